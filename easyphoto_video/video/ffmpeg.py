"""The ffmpeg program: where it is, and how it is run.

Every argument is an item of a list, never a line of a shell, and a file is named `file:PATH`, so
that no name can be taken for an option or an address.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

import numpy as np

from easyphoto_video.clip import Frames
from easyphoto_video.errors import BadFile, HostFailed, Missing

INSTALL = "Run `pip install imageio-ffmpeg==0.6.0`, or put an ffmpeg program on the PATH."
QUIET = ("-hide_banner", "-nostats", "-loglevel", "error", "-y")
LOOK_SECONDS = 60
"""How long ffmpeg may look at a file; a whole one takes a tenth of a second."""
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""On Windows a console program would else open a console, and hear its Ctrl+C."""
FORMATS = (
    "mov,matroska,avi,asf,flv,mpeg,mpegts,mpegvideo,ogg,rm,mxf,nut,wtv,dv,vc1,swf,ivf,obu,av1,h264,"
    "hevc,m4v,mjpeg,yuv4mpegpipe,gif,apng,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,ppm_pipe,"
    "jpegxl_anim,jpegxl_pipe,qoi_pipe,wav,w64,mp3,flac,aac,ac3,eac3,aiff,caf,au,amr"
)
"""What is read: all pictures and sound are in the file itself. A playlist, by whatever name it
comes, would have ffmpeg open other files of this machine."""
LARGEST = 1 << 27
"""Pixels of a frame; in our memory it takes three to twelve bytes for each."""
SMALLER = f"Give one of at most {LARGEST >> 20} megapixels a frame."
TOO_LARGE = "exceeds specified max pixel count"
"""What a decoder says of a picture that is larger."""
GIVE_ANOTHER = "Give a video, a picture, or a folder of .png pictures of one size."
TAIL = 5
"""Lines of ffmpeg's own words that an error repeats."""

Tick = Callable[[], None]
"""Called while we wait, about ten times a second; whatever it raises ends the program."""


def idle() -> None:
    """A tick for those who only wait."""


def find(explicit: Path | None = None) -> Path:
    """The ffmpeg program: the one given, else imageio-ffmpeg's, else the one on the PATH.

    Raises Missing, also when the given one is not there: then no other is meant.
    """
    if explicit is not None:
        if not explicit.is_file():
            raise Missing(f"The ffmpeg program {explicit}", INSTALL, (explicit.parent,))
        return explicit
    found = _packaged() or shutil.which("ffmpeg")
    if found is None:
        raise Missing("The ffmpeg program", INSTALL)
    return Path(found)


def _packaged() -> str | None:
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        return None
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        return None


def named(path: Path) -> str:
    """How ffmpeg is told of a file."""
    return f"file:{path}"


def given(path: Path) -> tuple[str, ...]:
    """Arguments that give ffmpeg a file of the user's to read.

    Only one of FORMATS is, and no decoder makes a picture of more than LARGEST pixels, neither when
    it looks for what is in the file nor in the middle of it.
    """
    return ("-format_whitelist", FORMATS, "-max_pixels", str(LARGEST), "-i", named(path))


def look(
    path: Path, *arguments: str, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[bytes]:
    """What ffmpeg says of a file, whatever its exit code; `before` says how to read it.

    Raises BadFile when it takes too long.
    """
    try:
        return subprocess.run(
            [str(find()), "-hide_banner", *before, *given(path), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LOOK_SECONDS,
            creationflags=NO_WINDOW,
        )
    except subprocess.TimeoutExpired as error:
        reason = f"it cannot be read within {LOOK_SECONDS} s"
        raise BadFile(path, reason, "Give another file.") from error


def filters() -> frozenset[str]:
    """The names of the filters that this ffmpeg has. Raises Missing without ffmpeg."""
    listed = subprocess.run(
        [str(find()), "-hide_banner", "-filters"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LOOK_SECONDS,
        creationflags=NO_WINDOW,
    )
    lines = [line.split() for line in listed.stdout.decode("utf-8", "replace").splitlines()]
    return frozenset(line[1] for line in lines if len(line) > 2)


def unreadable(path: Path, words: bytes, what: str = "it is no video that can be read") -> BadFile:
    """The error of a file that ffmpeg could not read, by what it said."""
    if TOO_LARGE.encode() in words:
        return too_large(path)
    return BadFile(path, f"{what} ({quoted(words)})", GIVE_ANOTHER)


def too_large(path: Path, size: str = "") -> BadFile:
    """The error of a film whose frames take more than memory should hold; `size` is as WxH."""
    told = f" ({size} px)" if size else ""
    return BadFile(path, f"its frames are too large{told}", SMALLER)


def quoted(tail: bytes) -> str:
    """The last lines of what ffmpeg said, as one line."""
    lines = tail.decode("utf-8", "replace").splitlines()
    return " / ".join(line.strip() for line in lines[-TAIL:] if line.strip()) or "it gave no reason"


class Ffmpeg:
    """A running ffmpeg that reads frames from us; leaving the `with` ends it in any case.

    It is outside our process group: Ctrl+C reaches us alone, and we end it in good order.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = [str(find()), *QUIET, *arguments]

    def __enter__(self) -> Ffmpeg:
        with ExitStack() as stack:
            self._words = stack.enter_context(tempfile.TemporaryFile())
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                start_new_session=sys.platform != "win32",
                creationflags=NO_WINDOW,
            )
            stack.callback(self._end)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def feed(self, frames: Frames) -> None:
        """Hand frames over as they lie in memory. Raises HostFailed when ffmpeg gave up."""
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(np.ascontiguousarray(frames).data)
            pipe.flush()
        except OSError as error:
            self._process.wait()
            raise self._failure() from error

    def wait(self, tick: Tick = idle) -> None:
        """Tell it that all is said, and wait. Raises HostFailed with ffmpeg's last words."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        while self._process.poll() is None:
            tick()
            try:
                self._process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
        if self._process.returncode != 0:
            raise self._failure()

    def _failure(self) -> HostFailed:
        self._words.seek(0)
        return HostFailed(
            f"ffmpeg ended with exit code {self._process.returncode}: "
            f"{quoted(self._words.read())}. Look for free disk space and memory, or choose "
            "another format."
        )

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(OSError):  # what it did not take any more
            self._process.stdin.close()


def run(arguments: Sequence[str], tick: Tick = idle) -> None:
    """Run ffmpeg to its end. Raises HostFailed."""
    with Ffmpeg(arguments) as process:
        process.wait(tick)
