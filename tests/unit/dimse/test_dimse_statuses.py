"""What a status means."""

from __future__ import annotations

import pytest
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS, code_to_category

from radstream.dimse import statuses


@pytest.mark.parametrize(
    "status", [*STORAGE_SERVICE_CLASS_STATUS, 0x0000, 0x0001, 0x0107, 0x0116, 0xFF00, 0xFF01, 0xFE00]
)
def test_a_status_is_of_the_category_that_the_standard_gives_it(status: int) -> None:
    category = code_to_category(status)
    assert statuses.is_pending(status) == (category == "Pending")
    assert statuses.is_warning(status) == (category == "Warning")
    assert statuses.is_stored(status) == (category in ("Success", "Warning"))
