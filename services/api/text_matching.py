"""What a text or a person name means in a query, as a predicate of the catalog (PS3.4 C.2.2.2). Pure.

A person name without wildcards has to be the whole name of one component group, apart from empty components at its end:
``smith^john`` finds ``Smith^John^^``, ``smith`` does not. ``smith^*`` also finds a name that has nothing behind the
family name. With fuzzy matching, each word that is asked for has to sound like one of the name, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from radstream.catalog.filters import And, Equals, In, Or, Predicate, Wildcard
from radstream.dicom.folding import fold, fold_person_name
from radstream.dicom.sounds import sounds_of, words_of

_WORD_BEGINNINGS = ("", "*^", "* ", "*-")


def text_predicate(field: str, value: str) -> Predicate | None:
    """Return that `field` is `value`, in which ``*`` and ``?`` are wildcards; None if everything is."""
    if not value.strip("*"):
        return None
    return Wildcard(field, value) if "*" in value or "?" in value else Equals(field, value)


def folded_predicate(field: str, value: str) -> Predicate | None:
    """Return the same without regard to case and accents."""
    return text_predicate(field, fold(value))


def name_predicate(field: str, value: str) -> Predicate | None:
    """Return that each component group of the name `value` matches one in `field`."""
    return _all_of([_group_predicate(field, group) for group in fold_person_name(value)])


def sound_predicate(field: str, sounds: str, value: str) -> Predicate | None:
    """Return that each word of the name `value` sounds like one of the name; a word with wildcards is spelled like one.

    Parameters
    ----------
    field, sounds : str
        Fields with the folded names and with their sounds.
    """
    return _all_of([_word_predicate(field, sounds, word) for word in words_of(value)])


def _group_predicate(field: str, group: str) -> Predicate | None:
    forms = [group]
    while forms[-1].endswith("^*"):  # names are kept without empty components at their end
        forms.append(forms[-1][:-2])
    parts = [text_predicate(field, form) for form in forms if form]
    kept = [part for part in parts if part is not None]
    return None if len(kept) < len(parts) or not kept else kept[0] if len(kept) == 1 else Or(kept)


def _word_predicate(field: str, sounds: str, word: str) -> Predicate | None:
    if not word.strip("*"):
        return None
    if "*" in word or "?" in word:
        return Or([Wildcard(field, f"{beginning}{word}{end}") for beginning in _WORD_BEGINNINGS for end in _ends(word)])
    return In(sounds, sounds_of(word))


def _ends(word: str) -> tuple[str, ...]:
    return ("",) if word.endswith("*") else ("", "^*", " *", "-*")


def _all_of(parts: Sequence[Predicate | None]) -> Predicate | None:
    kept = [part for part in parts if part is not None]
    return kept[0] if len(kept) == 1 else And(kept) if kept else None
