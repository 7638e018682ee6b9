"""espeak-ng through ctypes: samples and phonemes of a text (GPL; a tool of the recipe alone)."""

from __future__ import annotations

import ctypes as c
from typing import Any

import numpy as np
from numpy.typing import NDArray

from easyphoto_video.errors import Missing

LIBRARY = "libespeak-ng.so.1"
INSTALL = "Install espeak-ng 1.51 or newer (Debian: `apt install espeak-ng`)."

Sound = tuple[int, str]
"""First sample and IPA name of a phoneme; the name is empty or `#` in a pause."""

_SYNCHRONOUS, _PHONEME_EVENTS, _IPA = 2, 1, 2
_RATE, _PITCH, _RANGE = 1, 3, 4
_PHONEME, _END, _UTF8 = 7, 5, 1


class _Id(c.Union):
    _fields_ = [("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8)]


class _Event(c.Structure):
    _fields_ = [
        ("type", c.c_int),
        ("uid", c.c_uint),
        ("text", c.c_int),
        ("length", c.c_int),
        ("milliseconds", c.c_int),
        ("sample", c.c_int),
        ("user", c.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


class Espeak:
    """The library, which holds one voice at a time. Raises Missing where it is not installed."""

    def __init__(self) -> None:
        try:
            self._library = c.CDLL(LIBRARY)
        except OSError as error:
            raise Missing("espeak-ng", INSTALL) from error
        self._library.espeak_SetVoiceByName.argtypes = [c.c_char_p]
        self.rate = int(
            self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS | _IPA)
        )
        """Samples a second: 22050."""
        self._callback = _CALLBACK(self._take)
        self._library.espeak_SetSynthCallback(self._callback)
        self._parts: list[NDArray[np.int16]] = []
        self._sounds: list[Sound] = []

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if count > 0 and samples:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        i = 0
        while events[i].type != 0:
            event = events[i]
            if event.type == _PHONEME:  # the 8 bytes need not end in a zero
                raw = c.string_at(c.addressof(event) + _Event.id.offset, 8).split(b"\0")[0]
                self._sounds.append((event.sample, raw.decode("utf-8", "ignore")))
            elif event.type == _END:
                self._sounds.append((event.sample, "#"))
            i += 1
        return 0

    def say(
        self, text: str, voice: str, rate: int, pitch: int, span: int
    ) -> tuple[NDArray[np.int16], list[Sound]]:
        """Samples (n,) of a text and its phonemes. Words a minute, pitch and its range in 0..99.

        Raises LookupError when there is no such voice (`de+f3`: a language and a variant).
        """
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise LookupError(voice)
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, span)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._parts, self._sounds = [], []
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, c.c_size_t(len(data)), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        empty = np.zeros(0, np.int16)
        return np.concatenate([empty, *self._parts]), released(self._parts, self._sounds, self.rate)


def released(parts: list[NDArray[np.int16]], sounds: list[Sound], rate: int) -> list[Sound]:
    """The phonemes, a voiceless stop's start moved back over the silence of its closure.

    espeak-ng marks such a stop at its burst, and counts the closure to the sound before.
    """
    wave, found = np.concatenate([np.zeros(0, np.int16), *parts]), list[Sound]()
    step = rate // 200
    for start, name in sounds:
        steps = _silent_steps(wave, start, step) if name[:1] in tuple("ptkqcʈ") else 0
        earliest = found[-1][0] + step if found else 0
        # A long silence is a pause before the word: of it the closure has the end.
        moved = start - (steps if steps < _LONGEST else _PAUSE) * step
        found.append((max(moved, earliest) if steps else start, name))
    return found


_QUIET, _LONGEST, _PAUSE = 30, 18, 12


def _silent_steps(wave: NDArray[np.int16], start: int, step: int) -> int:
    steps = 0
    while steps < _LONGEST and start - (steps + 1) * step > 0:
        stretch = wave[start - (steps + 1) * step : start - steps * step]
        if not len(stretch) or np.abs(stretch.astype(np.int32)).max() >= _QUIET:
            break
        steps += 1
    return steps
