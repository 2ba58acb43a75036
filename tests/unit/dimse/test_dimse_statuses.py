"""What a status means."""

from __future__ import annotations

from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS, code_to_category

from radstream.dimse import statuses


def test_each_status_is_of_the_category_that_the_standard_gives_it() -> None:
    for status in (*STORAGE_SERVICE_CLASS_STATUS, 0x0001, 0x0107, 0x0116, 0xFF00, 0xFF01, 0xFE00):
        category = code_to_category(status)
        assert statuses.is_pending(status) == (category == "Pending"), hex(status)
        assert statuses.is_warning(status) == (category == "Warning"), hex(status)
        assert statuses.is_stored(status) == (category in ("Success", "Warning")), hex(status)


def test_only_failures_that_may_pass_are_tried_again() -> None:
    tried = [
        status
        for status in (0, 0x0110, 0x0122, 0xA700, 0xA7FF, 0xA900, 0xB000, 0xC000)
        if statuses.may_succeed_later(status)
    ]
    assert tried == [0x0110, 0xA700, 0xA7FF]
