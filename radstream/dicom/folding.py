"""How text is folded for matching (PS3.4 C.2.2.2.1): case and accents do not count, and neither does white space."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Return `text` case-folded, without accents, with single inner and no outer white space.

    Compatibility forms (ligatures, full-width letters) become plain ones, ``ß`` becomes ``ss``, ``ø`` an ``o``, since
    not every keyboard has them. Scripts are kept:
    Greek, Cyrillic, Hangul and CJK are folded in case only where they have one.
    """
    if text.isascii():
        return " ".join(text.casefold().split())
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(character for character in decomposed if not _is_accent(character)).translate(_WHOLE_LETTERS)
    return " ".join(unicodedata.normalize("NFC", bare).split())


def _is_accent(character: str) -> bool:
    """Tell whether `character` is a mark on Latin, Greek or Cyrillic letters, or one for Hebrew or Arabic vowels.

    Kana voicing marks (U+3099, U+309A) and the vowel signs of Indic scripts make other letters, so they stay.
    """
    return unicodedata.category(character) == "Mn" and unicodedata.combining(character) in _ACCENT_CLASSES


# Latin letters whose stroke or shape Unicode does not take for an accent, as people write them without it.
_WHOLE_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)

# Canonical combining classes: 10-35 Hebrew, Arabic and Syriac points, 202 and above attached or detached marks of
# alphabetic scripts, 1 overlays. 7 (nukta), 8 (kana voicing), 9 (virama) and 0 (spacing vowels) change the letter.
_ACCENT_CLASSES = frozenset({1, *range(10, 37), *range(200, 241)})


def fold_person_name(name: str) -> list[str]:
    """Return each component group of a person name folded, without trailing ``^``.

    Parameters
    ----------
    name : str
        A value of VR PN: up to three groups (alphabetic, ideographic, phonetic) separated by ``=``.

    Returns
    -------
    list of str
        The groups that are not empty, in their order; [] for an empty name.

    References
    ----------
    PS3.5 6.2.1 Person Name Value Representation.
    """
    groups = (_fold_components(group) for group in name.split("="))
    return [group for group in groups if group]


def _fold_components(group: str) -> str:
    """Fold one component group; the spaces around each component are padding."""
    return "^".join(fold(component) for component in group.split("^")).rstrip("^")
