"""Sentences to be spoken: common English words, and syllables that fit any language."""

from __future__ import annotations

import numpy as np

WORDS = """the of and a to in he have it that for they with as not on she at by this we you do but
from or which one would all will there say who make when can more if no man out other so what time
up go about than into could state only new year some take come these know see use get like then
first any work now may such give over think most even find day also after way many must look before
great back through long where much should well people down own just because good each those feel
seem how high too place little world very still nation hand old life tell write become here show
house both between need mean call develop under last right move thing general school never same
another begin while number part turn real leave might want point form off child few small since
against ask late home interest large person end open public follow during present without again
hold govern around possible head consider word program problem however lead system set order eye
plan run keep face fact group play stand increase early course change help line beautiful mother
father baby boom bubble pump apple map public voice five very water wow window blue moon shoe judge
church maybe member remember bump hope happy paper simple example impossible""".split()
ONSETS = "p b m f v t d k g s z l r n w h j ch sh p b m tr br pl st sp gr fl kw".split()
VOWELS = "a e i o u a e i o u ai au ou ei ie oo ee".split()
CODAS = ("", "", "n", "m", "s", "r", "l", "p", "t")
RUSSIAN = (
    "добрый вечер моя мама любит рыбу большой дом папа пошёл в магазин за хлебом и молоком утром "
    "было холодно потому что шёл снег"
).split()
_REAL = 0.8
_COMMA = 0.12


def sentence(rng: np.random.Generator, language: str) -> str:
    """Four to ten words with a comma here and there."""
    words = []
    for _ in range(int(rng.integers(4, 11))):
        words.append(_word(rng, language) + ("," if rng.random() < _COMMA else ""))
    return " ".join(words).rstrip(",") + str(rng.choice([".", ".", "?", "!"]))


def _word(rng: np.random.Generator, language: str) -> str:
    if language == "ru":  # espeak-ng spells Latin letters there
        return str(rng.choice(RUSSIAN))
    if language.startswith("en") and rng.random() < _REAL:
        return str(rng.choice(WORDS))
    syllables = (
        str(rng.choice(ONSETS)) + str(rng.choice(VOWELS)) for _ in range(int(rng.integers(1, 4)))
    )
    return "".join(syllables) + str(rng.choice(CODAS))
