from __future__ import annotations

import hashlib
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian

from radstream.settings import Settings
from services.render.sandbox import Sandbox
from tests.pixel_files import pixel_files
from tests.render_engines import SERIES, STUDY, RenderArchive, path, to_bytes

PDF = b"%PDF-1.7 " + b"x" * 5001
MPEG_2, AVC = "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.102"


@pytest.fixture
def archive(sandbox: Sandbox) -> RenderArchive:
    return RenderArchive(sandbox)


def plain(uid: str, sop_class: str, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = sop_class, uid, STUDY, SERIES
    ds.PatientName, ds.Modality = "Doe^Jane", "OT"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def pdf() -> bytes:
    ds = plain("1.9.1", "1.2.840.10008.5.1.4.1.1.104.1")
    ds.EncapsulatedDocument, ds.MIMETypeOfEncapsulatedDocument = PDF, "application/pdf"
    return to_bytes(ds)


def video(syntax: str, stream: bytes) -> bytes:
    ds = plain("1.9.2", "1.2.840.10008.5.1.4.1.1.77.1.1.1", syntax)
    ds.Rows, ds.Columns, ds.NumberOfFrames, ds.SamplesPerPixel = 480, 640, 25, 3
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PhotometricInterpretation, ds.PlanarConfiguration = "YBR_PARTIAL_420", 0
    ds.PixelData = encapsulate([stream])
    return to_bytes(ds)


def report() -> bytes:
    ds = plain("1.9.3", "1.2.840.10008.5.1.4.1.1.88.11")
    ds.ValueType = "CONTAINER"
    return to_bytes(ds)


def jpeg(body: bytes) -> np.ndarray[Any, Any]:
    assert body.startswith(b"\xff\xd8")
    return imagecodecs.jpeg8_decode(body)


async def add(archive: RenderArchive, name: str, **changes: Any) -> str:
    return (await archive.add_file(pixel_files()[name].content, **changes)).sop_instance_uid


async def test_an_instance_is_rendered_as_jpeg_by_default(archive: RenderArchive) -> None:
    uid = await add(archive, "MR_small.dcm")
    async with archive.client as client:
        answer = await client.get(path(uid, "rendered"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    assert "private" in answer.headers["cache-control"]
    assert jpeg(answer.content).shape == (64, 64)


@pytest.mark.parametrize(
    ("headers", "query", "media_type"),
    [
        ({"accept": "image/png"}, "", "image/png"),
        ({"accept": "image/jpeg"}, "?accept=image/png", "image/png"),
        ({"accept": "image/*"}, "", "image/jpeg"),
        ({"accept": "*/*"}, "", "image/jpeg"),
        ({"accept": "image/avif,image/webp,image/apng,image/*,*/*;q=0.8"}, "", "image/jpeg"),
        ({"accept": "image/png;q=0.5, image/jpeg;q=0.4"}, "", "image/png"),
    ],
)
async def test_the_client_chooses_the_media_type(
    archive: RenderArchive, headers: dict[str, str], query: str, media_type: str
) -> None:
    uid = await add(archive, "MR_small.dcm")
    async with archive.client as client:
        answer = await client.get(path(uid, "rendered") + query, headers=headers)
    assert answer.headers["content-type"] == media_type


@pytest.mark.parametrize("accept", ["image/tiff", "application/dicom", "text/html", "image/jp2"])
@pytest.mark.parametrize("resource", ["rendered", "thumbnail"])
async def test_other_media_types_are_not_acceptable(archive: RenderArchive, accept: str, resource: str) -> None:
    uid = await add(archive, "MR_small.dcm")
    async with archive.client as client:
        answer = await client.get(path(uid, resource), headers={"accept": accept})
    assert answer.status_code == 406
    assert answer.json()["detail"]


async def test_frames_have_pictures_of_their_own(archive: RenderArchive) -> None:
    uid = await add(archive, "rtdose.dcm")
    async with archive.client as client:
        answers = [await client.get(path(uid, "frames", number, "rendered")) for number in ("1", "2", "15")]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert len({answer.content for answer in answers}) > 1
        assert (await client.get(path(uid, "rendered"))).content == answers[0].content
        beyond = await client.get(path(uid, "frames", "16", "rendered"))
        assert (beyond.status_code, beyond.json()["detail"]) == (404, "the instance has no frame 16")
        for text in ("0", "-1", "1,", "x"):
            assert (await client.get(path(uid, "frames", text, "rendered"))).status_code == 400


async def test_windows_and_viewports_change_the_picture(archive: RenderArchive) -> None:
    uid = await add(archive, "CT_small.dcm")
    url = path(uid, "rendered")
    async with archive.client as client:
        whole = await client.get(url)
        small = await client.get(url + "?viewport=64,32")
        encoded = await client.get(url + "?viewport=64%2C32")
        part = await client.get(url + "?viewport=128,128,64,0,-64,64", headers={"accept": "image/png"})
        narrow = await client.get(url + "?WINDOW=0,100,Linear")
        poor = await client.get(url + "?quality=1")
    assert jpeg(small.content).shape == (32, 32)
    assert encoded.content == small.content
    assert imagecodecs.png_decode(part.content).shape == (128, 128)
    assert narrow.content != whole.content
    assert len(poor.content) < len(whole.content)


@pytest.mark.parametrize(
    "query",
    ["window=a,b,linear", "window=40,0,linear", "viewport=0,0", "viewport=a", "quality=0", "viewport=9,9,500,0"],
)
@pytest.mark.parametrize("resource", ["rendered", "thumbnail"])
async def test_parameters_that_mean_nothing_are_bad_requests(archive: RenderArchive, query: str, resource: str) -> None:
    uid = await add(archive, "CT_small.dcm")
    async with archive.client as client:
        answer = await client.get(f"{path(uid, resource)}?{query}")
    assert answer.status_code == 400
    assert "json" in answer.headers["content-type"]


async def test_an_unchanged_picture_is_not_made_again(archive: RenderArchive) -> None:
    uid = await add(archive, "CT_small.dcm")
    async with archive.client as client:
        for resource in ("rendered", "thumbnail", "rendered?viewport=64,64"):
            first = await client.get(path(uid, resource))
            again = await client.get(path(uid, resource), headers={"if-none-match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        tags = {
            (await client.get(path(uid, "rendered") + query, headers={"accept": accept})).headers["etag"]
            for query in ("", "?viewport=64,64", "?window=1,2", "?quality=5")
            for accept in ("image/jpeg", "image/png")
        }
    assert len(tags) == 8


async def test_one_frame_of_many_costs_one_frame(archive: RenderArchive) -> None:
    uid = await add(archive, "color3d_jpeg_baseline.dcm")
    archive.blobs.read_bytes = 0
    async with archive.client as client:
        assert (await client.get(path(uid, "frames", "120", "rendered"))).status_code == 200
    assert archive.blobs.read_bytes < 100_000 < len(pixel_files()["color3d_jpeg_baseline.dcm"].content)


async def test_every_file_is_rendered_or_says_why_not(archive: RenderArchive) -> None:
    for number, name in enumerate(sorted(pixel_files())):
        uid = await add(archive, name, sop_instance_uid=f"1.7.{number}")
        is_damaged = name in {"MR_truncated.dcm", "JPEG2000-embedded-sequence-delimiter.dcm"}
        async with archive.client as client:
            for resource, reason in (("rendered", 406), ("thumbnail", 404)):
                answer = await client.get(path(uid, resource) + "?viewport=200,200")
                assert answer.status_code == (reason if is_damaged else 200), (name, answer.text)
                assert answer.json()["detail"] if is_damaged else 200 in jpeg(answer.content).shape[:2], name


async def test_big_endian_bytes_in_words_are_shown_in_the_order_of_pixels(archive: RenderArchive) -> None:
    names = ("SC_rgb_small_odd.dcm", "SC_rgb_small_odd_big_endian.dcm")
    bodies = []
    async with archive.client as client:
        for name in names:
            uid = await add(archive, name)
            bodies.append((await client.get(path(uid, "rendered"), headers={"accept": "image/png"})).content)
    np.testing.assert_array_equal(*map(imagecodecs.png_decode, bodies))


async def test_a_pdf_is_rendered_as_itself(archive: RenderArchive) -> None:
    await archive.add_file(pdf())
    async with archive.client as client:
        whole = await client.get(path("1.9.1", "rendered"))
        part = await client.get(path("1.9.1", "rendered"), headers={"range": "bytes=0-7"})
        refused = await client.get(path("1.9.1", "rendered"), headers={"accept": "image/jpeg"})
        thumbnail = await client.get(path("1.9.1", "thumbnail"))
    assert whole.headers["content-type"] == "application/pdf"
    assert whole.content.rstrip(b"\0") == PDF
    assert (part.status_code, part.content) == (206, PDF[:8])
    assert (refused.status_code, refused.json()["detail"]) == (406, "the instance is rendered as application/pdf only")
    assert thumbnail.status_code == 404


@pytest.mark.parametrize(
    ("syntax", "stream", "media_type"),
    [
        (MPEG_2, b"\0\0\1\xb3" + b"m" * 3000, "video/mpeg"),
        (AVC, b"\0\0\0\x20ftypisom" + b"m" * 3000, "video/mp4"),
        (AVC, b"\x47" + b"m" * 3001, "video/mp2t"),
    ],
)
async def test_a_video_is_rendered_as_itself(
    archive: RenderArchive, syntax: str, stream: bytes, media_type: str
) -> None:
    await archive.add_file(video(syntax, stream))
    async with archive.client as client:
        whole = await client.get(path("1.9.2", "rendered"))
        refused = await client.get(path("1.9.2", "rendered"), headers={"accept": "image/jpeg"})
        thumbnail = await client.get(path("1.9.2", "thumbnail"))
    assert (whole.status_code, whole.headers["content-type"]) == (200, media_type)
    assert hashlib.sha256(whole.content).digest() == hashlib.sha256(stream).digest()
    assert refused.status_code == 406
    assert thumbnail.status_code == 404
    assert "video" in thumbnail.json()["detail"]


async def test_a_report_has_no_pictures(archive: RenderArchive) -> None:
    await archive.add_file(report())
    async with archive.client as client:
        rendered = await client.get(path("1.9.3", "rendered"))
        thumbnail = await client.get(path("1.9.3", "thumbnail"))
    assert (rendered.status_code, rendered.json()["detail"]) == (406, "the instance has no Pixel Data")
    assert thumbnail.status_code == 404


async def test_a_frame_larger_than_the_cap_is_refused_before_it_is_read(sandbox: Sandbox) -> None:
    archive = RenderArchive(sandbox, Settings(max_frame_pixels=1000))
    uid = await add(archive, "CT_small.dcm")
    archive.blobs.read_bytes = 0
    async with archive.client as client:
        answer = await client.get(path(uid, "rendered"))
    assert (answer.status_code, archive.blobs.read_bytes) == (406, 0)
    assert "larger than the 1000 allowed" in answer.json()["detail"]


async def test_what_is_not_here_is_not_found(archive: RenderArchive) -> None:
    uid = await add(archive, "CT_small.dcm")
    elsewhere = f"/studies/{STUDY}/series/9.9/instances/{uid}"
    async with archive.client as client:
        for url in (path("9.9.9"), elsewhere):
            for resource in ("rendered", "thumbnail"):
                assert (await client.get(f"{url}/{resource}")).status_code == 404
        assert (await client.get("/studies/9.9/thumbnail")).status_code == 404
        assert (await client.get("/studies/9.9/series/9.9/thumbnail")).status_code == 404
        assert (await client.get(path("no-uid", "rendered"))).status_code == 400


async def test_a_thumbnail_is_made_once_and_kept(archive: RenderArchive) -> None:
    uid = await add(archive, "RG3_UNCI.dcm")
    async with archive.client as client:
        first = await client.get(path(uid, "thumbnail"))
        archive.blobs.read_bytes = 0
        again = await client.get(path(uid, "thumbnail") + "?viewport=256,256")
        other = await client.get(path(uid, "thumbnail") + "?viewport=64,64")
    assert jpeg(first.content).shape == (256, 256)
    assert next(iter(archive.previews.contents.values()))[0] == first.content == again.content
    assert len(archive.previews.contents) == 1
    assert jpeg(other.content).shape == (64, 64)
    assert archive.blobs.read_bytes > 0


async def test_a_series_and_a_study_show_their_middle_instance(archive: RenderArchive) -> None:
    for number in range(1, 6):
        await add(archive, "CT_small.dcm", sop_instance_uid=f"1.5.{number}", InstanceNumber=number)
    async with archive.client as client:
        for url in (f"/studies/{STUDY}/series/{SERIES}", f"/studies/{STUDY}"):
            assert (await client.get(f"{url}/thumbnail")).status_code == 200
    assert [key.split("/")[4] for key in archive.previews.contents] == ["1.5.3"]


async def test_a_study_shows_its_first_series_with_pictures(archive: RenderArchive) -> None:
    await archive.add_file(report(), series="1.2.3.1")
    archive.catalog.collections["series"][f"{STUDY}/1.2.3.1"]["SeriesNumber"] = 0
    await archive.add_file(video(MPEG_2, b"v" * 100), series="1.2.3.2")
    await add(archive, "MR_small.dcm", series="1.2.3.9")
    async with archive.client as client:
        assert jpeg((await client.get(f"/studies/{STUDY}/thumbnail")).content).shape == (256, 256)
        alone = await client.get(f"/studies/{STUDY}/series/1.2.3.1/thumbnail")
    assert alone.status_code == 404
