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
