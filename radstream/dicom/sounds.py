"""What a person name sounds like, for fuzzy matching (PS3.4 C.2.2.2.1.1): spellings of one name share a sound."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from anyascii import anyascii
from metaphone import doublemetaphone

from radstream.dicom.folding import fold

MOST_WORDS: Final = 32
"""Of one name; the rest of an absurdly long one is not searched by sound."""

LONGEST_WORD: Final = 64

_SEPARATORS: Final = re.compile(r"[\^=,;.\-\s]+")
_SILENT: Final = re.compile("['`\u00b4\u02bc\u2019]")  # apostrophes, as the many keyboards have them


def words_of(name: str) -> list[str]:
    """Return the words of a person name, folded: of every component of every group, at most `MOST_WORDS`."""
    words = _SEPARATORS.split(_SILENT.sub("", fold(name)))
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in words if word))[:MOST_WORDS]


def sounds_of(word: str) -> list[str]:
    """Return the sounds of one folded word, at most two.

    Letters of other alphabets and syllables are romanised first, so that ``иванов`` sounds like ``ivanov``. Ideographs
    are read differently in each language, and a number has no sound: these are their own.

    Notes
    -----
    The sounds are those of Lawrence Philips' Double Metaphone: a likely and a less likely pronunciation.
    """
    if any(unicodedata.category(character) == "Nd" or _is_ideograph(character) for character in word):
        return [word]
    sounds = [sound for sound in doublemetaphone(anyascii(word)) if sound]
    return sounds or [word]


def sounds_in(name: str) -> list[str]:
    """Return the sounds of all words of a person name."""
    return list(dict.fromkeys(sound for word in words_of(name) for sound in sounds_of(word)))


def _is_ideograph(character: str) -> bool:
    return unicodedata.name(character, "").startswith("CJK ")
