"""The conformance statement is true where a table can be compared with the code; each comparison is shown to fail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter
from pydicom.datadict import keyword_for_tag
from pydicom.uid import UID_dictionary

from radstream.contract.errors import ANSWERS, RejectedInstance
from radstream.contract.uids import IMPLEMENTATION_CLASS_UID
from radstream.dicom.codecs import _DECODERS, is_decodable
from radstream.dicom.dictionary import BULK_VRS
from radstream.dicom.levels import DEFAULT_ATTRIBUTES, Level
from radstream.dicom.syntaxes import encoding_of
from radstream.dimse import statuses
from radstream.dimse.recognition import NO_REASON, REASONS
from radstream.dimse.sop_classes import ALL_TRANSFER_SYNTAXES, STORAGE_SOP_CLASSES
from radstream.settings import Settings
from services.api import qido, wado
from services.api.matching import MATCHINGS
from services.api.query import _OPTIONS
from services.api.representations import offers
from services.api.rows import COMPUTED_FIELDS
from services.command.simulator.instances import SOP_CLASS_UIDS
from services.ingest import stow
from services.ingest.identity import MISMATCH
from services.ingest.stow_response import http_status
from services.render import http as rendered
from services.render import uri
from services.render.encode import MEDIA_TYPES
from services.render.windows import FUNCTIONS
from tests.pages import code_in, difference, read_page, rows

PAGE = read_page("conformance.md")


def keyword(path: str) -> str:
    return ".".join(keyword_for_tag(int(tag, 16)) for tag in path.split("."))


def transfer_syntaxes(page: str) -> list[str]:
    said = {tuple(row) for row in rows(page, "| UID | name | frames as | rendered |")}
    return difference(said, {_transfer_syntax(uid) for uid in ALL_TRANSFER_SYNTAXES})


def _transfer_syntax(uid: str) -> tuple[str, ...]:
    is_native = uid.startswith("1.2.840.10008.1.2.1") or uid in {"1.2.840.10008.1.2", "1.2.840.10008.1.2.2"}
    offer = offers(uid, is_encapsulated=not is_native, may_be_alone=False)[0]
    return f"`{uid}`", UID_dictionary[uid][0], f"`{offer.media_type}`", "yes" if is_decodable(uid) else "no"


def private_transfer_syntaxes(page: str) -> list[str]:
    """Return what is decoded or read as implicit VR although nobody negotiates it, and the page does not tell."""
    unnamed = [uid for uid in _DECODERS if f"`{uid}`" not in page]
    section = page.rsplit("Read as Implicit VR:", maxsplit=1)[-1].split("\n\n", maxsplit=1)[0]
    told = re.findall(r"\d+(?:\.\d+){4,}", section)
    return unnamed + [uid for uid in told if not encoding_of(uid).is_implicit] + ([] if told else ["none is told"])


def storage_sop_classes(page: str) -> list[str]:
    """Compare how many there are, how many of them are retired, and to which families they belong."""
    retired = sum("Retired" in UID_dictionary.get(uid, ("",) * 4)[3] for uid in STORAGE_SOP_CLASSES)
    sentence = f"{len(STORAGE_SOP_CLASSES)} of the Standard, {retired} of them retired"
    counted = {arcs: int(number) for _, arcs, number in rows(page, "| family | below | number |")}
    real = {arcs: sum(_is_below(uid, arcs) for uid in STORAGE_SOP_CLASSES) for arcs in counted}
    is_complete = sum(real.values()) == len(STORAGE_SOP_CLASSES)
    return difference(counted.items(), real.items()) + [sentence] * (sentence not in page) + ["sum"] * (not is_complete)


def _is_below(uid: str, arcs: str) -> bool:
    return any(f"{uid}.".startswith(f"1.2.840.10008.5.1.4.{arc}.") for arc in arcs.split(", "))


def simulated_sop_classes(page: str) -> list[str]:
    row = next(line for line in page.splitlines() if "SCU in `simulate`" in line)
    names = [UID_dictionary[uid][0].removesuffix(" Image Storage") for uid in SOP_CLASS_UIDS.values()]
    return [name for name in names if name not in row]


def rejections(page: str) -> list[str]:
    said = re.findall(r"\((\d, \d, \d)\)", page.split("### 2.2", maxsplit=1)[0])
    real = {f"{why.result}, {why.source}, {why.reason}" for why in REASONS if why is not NO_REASON}
    return difference(said, real) + [uid for uid in (IMPLEMENTATION_CLASS_UID,) if uid not in page]


def dimse_statuses(page: str) -> list[str]:
    """Compare the statuses of our responses; a verifier alone, and no store, is answered by others."""
    sent = {getattr(statuses, name) for name in dir(statuses) if name.isupper()} | {MISMATCH}
    sent |= {answer.dimse_status for answer in ANSWERS.values()} - {0x0112}  # what is not found was not to be stored
    sent -= {statuses.PENDING, statuses.PENDING_WITH_WARNING, statuses.CANCEL}
    return difference((row[0] for row in rows(page, "| status | meaning | when |")), {f"0x{one:04X}" for one in sent})


def http_statuses(page: str) -> list[str]:
    by_others = {403, 404, 405, 415, 416, 431}  # routing, media types, ranges, and heads without end
    tables = page.split("\n| status | when |")
    general, store = ({int(row) for row in re.findall(r"^\| (\d{3}) \|", table, re.MULTILINE)} for table in tables[1:3])
    wrong = difference(general, {answer.http_status for answer in ANSWERS.values()} | by_others)
    return wrong + difference(store, {http_status(outcomes) for outcomes in _outcomes()} | {400, 413, 415})


def _outcomes() -> Iterator[list[Any]]:
    errors = [None, RejectedInstance(""), *(kind() for kind in ANSWERS if kind is not RejectedInstance)]
    for first in errors:
        yield from (
            [SimpleNamespace(error=first, warning=0), SimpleNamespace(error=second, warning=0)] for second in errors
        )


def resources(page: str) -> list[str]:
    """Compare paths: `…` stands for the path of what is above."""
    real = {_path(route.path) for router in _routers() for route in router.routes}  # type: ignore[attr-defined]
    cells = [row[0] for row in rows(page, "| resource | what is given |")]
    cells += [row[0] for row in rows(page, "| resource | what is searched for | shown by |")]
    cells += [row[0] for row in rows(page, "| resource | what is taken |")]
    said = {path.removeprefix("POST ") for cell in cells for path in code_in(cell)}
    unknown = [path for path in said if not any(_means(path, route) for route in real)]
    return unknown + [route for route in real if not any(_means(path, route) for path in said)]


def _routers() -> list[APIRouter]:
    backends: Any = SimpleNamespace(bus=None, blobs=None, catalog=None, previews=None)
    return [door.router(backends, Settings()) for door in (stow, qido, wado, rendered, uri)]  # type: ignore[attr-defined]


def _path(route: str) -> str:
    return route.removeprefix("/dicom-web").replace("{study_instance_uid}", "{study}").replace("{path:path}", "{path}")


def _means(path: str, route: str) -> bool:
    return route.endswith(path[1:]) if path.startswith("…") else route == path


def matching_attributes(page: str) -> list[str]:
    said = {
        (level, one)
        for level, cell, _ in rows(page, "| level | attributes that are matched | shown by |")
        for one in code_in(cell)
    }
    real = {(lv.name.lower(), keyword(path)) for path, matching in MATCHINGS.items() for lv in matching.fields}
    return difference(said, real)


def matching_kinds(page: str) -> list[str]:
    said = {
        (kind, one)
        for kind, _, cell, _ in rows(page, "| kind | how it is matched | attributes | shown by |")
        for one in code_in(cell)
    }
    return difference(said, {(matching.kind, keyword(path)) for path, matching in MATCHINGS.items()})


def returned_attributes(page: str) -> list[str]:
    cells = rows(page, "| level | attributes that are returned | shown by |")
    real = {(level.name.lower(), keyword(tag)) for level in Level for tag in DEFAULT_ATTRIBUTES[level]}
    real |= {(level.name.lower(), keyword(tag)) for level in Level for tag in COMPUTED_FIELDS[level]}
    return difference({(level, one) for level, cell, _ in cells for one in code_in(cell)}, real)


def words(page: str) -> list[str]:
    """Return what a client may write and the page does not name: options, windows, media types, VRs of bulk data."""
    of_window = {name.lower().replace("_", "-") for name in FUNCTIONS}
    expected = {f"`{word}`" for word in {*_OPTIONS, *of_window, *MEDIA_TYPES} - {"emptyvaluematching", "fuzzymatching"}}
    expected |= {"`emptyvaluematching=true`", "`fuzzymatching=true`"}
    wrong = [word for word in expected if word not in page]
    bulk = next(row for row in rows(page, "| subject | what is given |") if row[0] == "bulk values")
    return wrong + difference(code_in(bulk[1]), BULK_VRS)


def settings(page: str) -> list[str]:
    known = {f"RADSTREAM_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"RADSTREAM_[A-Z_]+", page))
    return sorted(named - known) + ([] if len(named) >= 8 else ["few settings"])


OFFENCES: list[tuple[Callable[[str], list[str]], str, str]] = [
    (transfer_syntaxes, "| `1.2.840.10008.1.2.5` |", "| `1.2.840.10008.1.2.55` |"),
    (transfer_syntaxes, "| `image/dicom-rle` | yes |", "| `image/dicom-rle` | no |"),
    (transfer_syntaxes, "| `image/jls` |", "| `image/jpeg` |"),
    (private_transfer_syntaxes, "`1.2.840.113619.5.2`", "`1.2.840.113619.5.3`"),
    (storage_sop_classes, "16 of them retired", "17 of them retired"),
    (storage_sop_classes, "| CT | 1.1.2 | 3 |", "| CT | 1.1.2 | 4 |"),
    (storage_sop_classes, "| MR | 1.1.4 | 5 |\n", ""),
    (simulated_sop_classes, "and Ultrasound Multi-frame", "and Ultrasound"),
    (rejections, "(1, 1, 7)", "(1, 1, 8)"),
    (dimse_statuses, "| 0xA700 |", "| 0xA701 |"),
    (dimse_statuses, "| 0x0213 |", "| 0xB000 |"),
    (http_statuses, "| 416 |", "| 417 |"),
    (http_statuses, "| 202 |", "| 206 |"),
    (resources, "`…/instances/{instance}/pixeldata`", "`…/instances/{instance}/pixels`"),
    (resources, "`/series`, ", ""),
    (matching_attributes, "`AccessionNumber`", "`AccessNumber`"),
    (matching_kinds, "| `SeriesDescription`, `StudyDescription` |", "| `SeriesDescription` |"),
    (returned_attributes, "`SeriesTime`, ", ""),
    (words, "`multiplevaluematching`", "`multiple`"),
    (words, "`OV`, ", ""),
    (settings, "RADSTREAM_ALLOW_OPEN", "RADSTREAM_OPEN"),
]

CHECKS = list(dict.fromkeys(check for check, _, _ in OFFENCES))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_page_says_what_is_so(check: Callable[[str], list[str]]) -> None:
    assert check(PAGE) == []


@pytest.mark.parametrize(("check", "true", "untrue"), OFFENCES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_untruth_is_found(check: Callable[[str], list[str]], true: str, untrue: str) -> None:
    assert true in PAGE
    assert check(PAGE.replace(true, untrue)) != []
