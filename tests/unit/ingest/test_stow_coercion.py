"""STOW-RS of numbers that DS cannot hold: stored rounded, with a warning, and with what they said (PS3.18 10.5.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pydicom.dataset import Dataset
from pydicom.valuerep import DT

from tests.described import JSON_RELATED, described, entry, json_request, read
from tests.stow_door import Door, items, value

NUMBER = 0.12345678901234567


async def stored(door: Door, **attributes: Any) -> Dataset:
    answer = await door.post(json_request(described(1, **attributes)), JSON_RELATED)
    assert answer.status_code == 202
    assert [value(item, "00081196") for item in items(answer, "00081199")] == [0xB000]
    return read(door.stored[0])


def told(instance: Dataset, number: int = 0) -> list[Dataset]:
    return list(instance.OriginalAttributesSequence[number].NonconformingModifiedAttributesSequence)


async def test_a_number_that_had_to_be_rounded_is_a_warning(door: Door) -> None:
    assert str((await stored(door, t00180050=entry("DS", NUMBER))).SliceThickness) == ".123456789012346"


async def test_what_was_rounded_says_what_it_was_when_and_why(door: Door) -> None:
    instance = await stored(door, t00180050=entry("DS", NUMBER), t00280030=entry("DS", 0.5, NUMBER))
    [item] = instance.OriginalAttributesSequence
    assert (item.ModifyingSystem, item.ReasonForTheAttributeModification) == ("Radstream", "COERCE")
    assert item.SourceOfPreviousValues == ""
    assert len(item.ModifiedAttributesSequence) == 1
    assert abs(datetime.now(UTC) - DT(item.AttributeModificationDateTime)) < timedelta(minutes=5)
    said = {each.SelectorAttribute: each.NonconformingDataElementValue for each in told(instance)}
    assert {int(tag): text.rstrip(b"\0") for tag, text in said.items()} == {
        0x00180050: str(NUMBER).encode(),
        0x00280030: f"0.5\\{NUMBER}".encode(),
    }
    assert all(each.SelectorValueNumber == 0 and "SelectorSequencePointer" not in each for each in told(instance))


async def test_what_stands_in_items_is_found_again(door: Door) -> None:
    plane = {"00200032": entry("DS", 1, NUMBER, 3)}
    groups = entry("SQ", {"00209113": entry("SQ", {"00200032": entry("DS", 1, 2, 3)}, plane)})
    [item] = told(await stored(door, t52009230=groups))
    assert item.SelectorAttribute == 0x00200032
    assert list(item.SelectorSequencePointer) == [0x52009230, 0x00209113]
    assert list(item.SelectorSequencePointerItems) == [1, 2]


async def test_private_attributes_are_named_with_their_creators(door: Door) -> None:
    inner = {"00110010": entry("LO", "Inner"), "00111001": entry("DS", NUMBER)}
    private = {"t00090010": entry("LO", "Outer"), "t00091001": entry("SQ", inner)}
    [item] = told(await stored(door, **private))
    assert item.SelectorAttributePrivateCreator == "Inner"
    assert item.SelectorSequencePointerPrivateCreator == "Outer"


async def test_what_was_done_to_it_before_stays_in_front(door: Door) -> None:
    before = {"04000563": entry("LO", "Elsewhere"), "04000565": entry("CS", "CORRECT")}
    instance = await stored(door, t04000561=entry("SQ", before), t00180050=entry("DS", NUMBER))
    assert [each.ModifyingSystem for each in instance.OriginalAttributesSequence] == ["Elsewhere", "Radstream"]
    assert len(told(instance, 1)) == 1


async def test_nothing_is_told_where_every_number_is_kept(door: Door) -> None:
    body = json_request(described(1, t00180050=entry("DS", 0.125, "1.50", 5.5511e-17)))
    assert (await door.post(body, JSON_RELATED)).status_code == 200
    assert "OriginalAttributesSequence" not in read(door.stored[0])
