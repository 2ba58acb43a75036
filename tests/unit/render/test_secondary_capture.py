"""Pictures as instances of their own: what they say of what they were made of, and that they can be stored again."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest

from services.render.reconstruction.volumes import Volumes
from services.render.sandbox import Sandbox
from tests.ct_series import ct_series
from tests.pixel_files import pixel_files
from tests.render_engines import SERIES, STUDY, RenderArchive, path
from tests.volumes import Scan, ellipsoid

DICOM = {"accept": "application/dicom"}
SCAN = Scan(row_spacing=0.8, column_spacing=0.8, rows=64, columns=80, places=tuple(2.0 * n for n in range(12)))


@pytest.fixture
async def archive(sandbox: Sandbox) -> AsyncIterator[RenderArchive]:
    archive = RenderArchive(sandbox)
    async with Volumes(archive.backends, archive.settings) as volumes:
        archive.volumes = volumes
        yield archive


async def get(archive: RenderArchive, resource: str, headers: dict[str, str] = DICOM, **query: Any) -> Any:
    async with archive.client as client:
        return await client.get(resource, params=query, headers=headers)


async def captured(archive: RenderArchive, resource: str, **query: Any) -> pydicom.Dataset:
    answer = await get(archive, resource, **query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/dicom"
    return pydicom.dcmread(io.BytesIO(answer.content))


async def add(archive: RenderArchive, name: str) -> tuple[str, pydicom.Dataset]:
    file = pixel_files()[name]
    return (await archive.add_file(file.content)).sop_instance_uid, file.dataset


async def test_an_enhanced_picture_is_an_instance_that_names_its_source(archive: RenderArchive) -> None:
    uid, source = await add(archive, "CT_small.dcm")
    made = await captured(archive, path(uid, "rendered"), enhance="bone,detail")
    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert made.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert list(made.ImageType) == ["DERIVED", "SECONDARY"]
    assert (made.BurnedInAnnotation, made.ConversionType) == ("YES", "WSD")
    assert "detail gain=2" in made.DerivationDescription
    assert [code.CodeMeaning for code in made.DerivationCodeSequence] == ["Edge enhancement"]
    (reference,) = made.SourceImageSequence
    assert (reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID) == (source.SOPClassUID, uid)
    assert "ReferencedFrameNumber" not in reference
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "AccessionNumber", "Modality"):
        assert made[keyword].value == source[keyword].value
    assert made.SeriesInstanceUID != source.SeriesInstanceUID
    assert made.SOPInstanceUID != uid
    assert made.PixelSpacing == pytest.approx(source.PixelSpacing)


async def test_its_pixels_are_those_of_the_picture(archive: RenderArchive) -> None:
    for name in ("CT_small.dcm", "US1_UNCR.dcm"):
        uid, _ = await add(archive, name)
        made = await captured(archive, path(uid, "rendered"), enhance="clahe")
        shown = await get(archive, path(uid, "rendered"), {"accept": "image/png"}, enhance="clahe")
        np.testing.assert_array_equal(made.pixel_array, imagecodecs.png_decode(shown.content))


async def test_spacing_follows_the_viewport_and_is_not_guessed_for_a_part(archive: RenderArchive) -> None:
    uid, source = await add(archive, "CT_small.dcm")
    doubled = await captured(archive, path(uid, "rendered"), enhance="clahe", viewport="256,256")
    assert (doubled.Rows, doubled.Columns) == (256, 256)
    assert doubled.PixelSpacing == pytest.approx([spacing / 2 for spacing in source.PixelSpacing])
    part = await captured(archive, path(uid, "rendered"), enhance="clahe", viewport="128,128,10,10,64,64")
    assert "PixelSpacing" not in part


async def test_equal_wishes_give_equal_bytes_and_other_wishes_other_uids(archive: RenderArchive) -> None:
    uid, _ = await add(archive, "CT_small.dcm")
    first, second = [(await get(archive, path(uid, "rendered"), enhance="clahe")).content for _ in range(2)]
    assert first == second
    one = await captured(archive, path(uid, "rendered"), enhance="clahe")
    other = await captured(archive, path(uid, "rendered"), enhance="clahe:clip=3")
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert one.SeriesInstanceUID != other.SeriesInstanceUID
    assert one.StudyInstanceUID == other.StudyInstanceUID


async def test_frames_are_named_and_lossy_compression_stays_known(archive: RenderArchive) -> None:
    uid, source = await add(archive, "color3d_jpeg_baseline.dcm")
    made = await captured(archive, path(uid, "frames", "3", "rendered"), enhance="unsharp")
    assert made.SourceImageSequence[0].ReferencedFrameNumber == 3
    assert made.LossyImageCompression == source.LossyImageCompression == "01"


async def test_a_plane_names_every_image_that_it_was_made_of(archive: RenderArchive) -> None:
    for content in ct_series(SCAN, ellipsoid(SCAN.center, (8, 8, 8))):
        await archive.add_file(content)
    resource = f"/studies/{STUDY}/series/{SERIES}/rendered"
    made = await captured(archive, resource, plane="coronal", projection="max", thickness=10, enhance="denoise")
    assert len(made.SourceImageSequence) == 12
    assert "RECONSTRUCTED: coronal" in made.DerivationDescription
    assert "ImagePositionPatient" in made.DerivationDescription
    meanings = [code.CodeMeaning for code in made.DerivationCodeSequence]
    assert meanings == ["Multiplanar reformatting", "Maximum intensity projection", "Smoothing"]
    assert made.PixelSpacing == [0.8, 0.8]
    assert (made.PatientName, made.StudyInstanceUID) == ("Doe^Jane", STUDY)
    assert made.pixel_array.shape == (30, 80)


async def test_a_picture_as_it_was_stored_is_no_new_instance(archive: RenderArchive) -> None:
    uid, _ = await add(archive, "CT_small.dcm")
    assert (await get(archive, path(uid, "rendered"))).status_code == 406


@pytest.mark.parametrize("name", ["CT_small.dcm", "US1_UNCR.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm"])
async def test_what_was_made_can_be_stored_and_shown_again(archive: RenderArchive, name: str) -> None:
    uid, _ = await add(archive, name)
    content = (await get(archive, path(uid, "rendered"), enhance="clahe")).content
    made = (await archive.add_file(content)).sop_instance_uid
    again = await get(archive, path(made, "rendered"), {"accept": "image/png"})
    shown = await get(archive, path(uid, "rendered"), {"accept": "image/png"}, enhance="clahe")
    np.testing.assert_array_equal(imagecodecs.png_decode(again.content), imagecodecs.png_decode(shown.content))
