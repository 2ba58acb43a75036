from __future__ import annotations

import msgspec

from tests.index_engines import Archive


def is_urgent(archive: Archive) -> bool:
    return bool(archive.documents("studies")["1.2.1.1"]["is_urgent"] == 1)


async def test_a_study_is_urgent_as_soon_as_one_instance_came_so_and_stays_it() -> None:
    archive = Archive()
    await archive.index(archive.store(SOPInstanceUID="1.2.3.2", after_s=10))
    assert not is_urgent(archive)
    urgent = msgspec.structs.replace(archive.store(SOPInstanceUID="1.2.3.3", after_s=20), priority="urgent")
    await archive.index(urgent)
    assert is_urgent(archive)
    await archive.index(archive.store(SOPInstanceUID="1.2.3.1", PatientID="P2"))  # the study gets another patient
    assert is_urgent(archive)
