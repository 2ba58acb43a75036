"""People that do not exist, with names from all over the world in the character sets that devices there use. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np


@dataclass(frozen=True)
class Person:
    """A patient.

    Parameters
    ----------
    name : str
        (0010,0010) Patient's Name: component groups alphabetic, ideographic, phonetic.
    character_sets : tuple of str
        (0008,0005) Specific Character Set in which the name can be written (PS3.3 C.12.1.1.2).
    sex : str
        "F", "M" or "O".
    """

    patient_id: str
    name: str
    character_sets: tuple[str, ...]
    sex: str
    birth_date: date
    size_m: float
    weight_kg: float

    def age(self, day: date) -> str:
        """Return (0010,1010) Patient's Age on a day, such as ``042Y``."""
        had_birthday = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return f"{day.year - self.birth_date.year - (not had_birthday):03d}Y"


_LATIN_1, _LATIN_2, _UNICODE = ("ISO_IR 100",), ("ISO_IR 101",), ("ISO_IR 192",)
_CYRILLIC, _GREEK, _ARABIC, _HEBREW, _THAI = (
    ("ISO_IR 144",),
    ("ISO_IR 126",),
    ("ISO_IR 127",),
    ("ISO_IR 138",),
    ("ISO_IR 166",),
)
_JAPANESE, _KOREAN, _CHINESE = ("", "ISO 2022 IR 87"), ("", "ISO 2022 IR 149"), ("GB18030",)

NAMES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("Lindqvist^Maja", "F", _LATIN_1),
    ("Weißgerber^Jürgen^^Dr.", "M", _LATIN_1),
    ("Okonkwo^Adaeze^Ngozi", "F", ()),
    ("Wiśniewska^Małgorzata", "F", _LATIN_2),
    ("Σταματίου^Ελένη", "F", _GREEK),
    ("Кузнецов^Олег^Петрович", "M", _CYRILLIC),
    ("Sato^Hanako=佐藤^花子=さとう^はなこ", "F", _JAPANESE),
    ("Kobayashi^Kenji=小林^健二=こばやし^けんじ", "M", _JAPANESE),
    ("Kim^Seoyeon=金^瑞娟=김^서연", "F", _KOREAN),
    ("Li^Mingyue=李^明月", "F", _CHINESE),
    ("Zhang^Wei=张^伟", "M", _CHINESE),
    ("الحسيني^ليلى", "F", _ARABIC),
    ("אברהמי^דניאל", "M", _HEBREW),
    ("สมบูรณ์^มาลี", "F", _THAI),
    ("Nguyễn^Thị Mai", "F", _UNICODE),
    ("शर्मा^अनिल", "M", _UNICODE),
    ("Ólafsdóttir^Björk", "F", _LATIN_1),
    ("O'Sullivan^Conor^Patrick", "M", ()),
    ("García Márquez^José María", "M", _LATIN_1),
    ("Van den Berg^Pieter", "M", ()),
    ("Şahin^Ayşe", "F", _UNICODE),
    ("Mbeki-Dlamini^Thandiwe", "F", ()),
    ("Kāne^Leilani", "F", _UNICODE),
    ("Silva^João Paulo", "M", _LATIN_1),
)


def invent_person(rng: np.random.Generator) -> Person:
    """Return somebody whom equal generators invent equally."""
    name, sex, character_sets = NAMES[int(rng.integers(len(NAMES)))]
    size_m = float(rng.normal(1.64 if sex == "F" else 1.77, 0.07))
    return Person(
        patient_id=f"SIM{int(rng.integers(10**7, 10**8))}",
        name=name,
        character_sets=character_sets,
        sex=sex,
        birth_date=date(1935, 1, 1) + timedelta(days=int(rng.integers(70 * 365))),
        size_m=round(size_m, 2),
        weight_kg=round(float(rng.normal(24.5, 3.5)) * size_m**2, 1),
    )
