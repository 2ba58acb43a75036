"""The resources that are retrieved: instances and what is in them (PS3.18 10.4), pictures, WADO-URI (9)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from radstream.web.paths import INSTANCE, SERIES, STUDY
from services.api.description.operation import DICOM, DICOM_JSON, RELATED, ROOT, ZIP, Operation, Parameter

_KNOWN: Final = (400, 404, 406, 503)
_ANYTHING: Final = "*/*"
"""A document, a video, a frame: what the instance holds."""

ACCEPT: Final = Parameter("accept", "media types, before those of the header (PS3.18 8.3.3.1)")

_PICTURES: Final = (
    Parameter("window", "center,width,function (PS3.18 8.3.5.1.4)"),
    Parameter("viewport", "vw,vh,sx,sy,sw,sh (PS3.18 8.3.5.1.3)"),
    Parameter("quality", "of a JPEG", {"type": "integer", "minimum": 1, "maximum": 100}),
    Parameter("annotation", "patient, technique, by comma (PS3.18 8.3.5.1.1)"),
    Parameter("iccprofile", "of the answer (PS3.18 8.3.5.1.5)", {"enum": ["no", "yes", "srgb", "adobergb", "rommrgb"]}),
    Parameter("enhance", "ours: steps by comma, each with :setting=number; see docs/enhancement.md"),
)

_PLANES: Final = (
    Parameter("orientation", "side from which the patient is seen (PS3.18 8.3.5.3.4)", {"enum": [*"aprlhf"]}),
    Parameter("viewpointposition", "x,y,z of the camera in mm (PS3.18 8.3.5.3.5)"),
    Parameter("viewpointlookat", "x,y,z of what it looks at, which lies in the plane (PS3.18 8.3.5.3.6)"),
    Parameter("viewpointup", "x,y,z of what is up (PS3.18 8.3.5.3.7)"),
    Parameter("mprslab", "thickness in mm (PS3.18 8.3.5.3.8)", {"type": "number", "minimum": 0, "maximum": 10000}),
    Parameter("renderingmethod", "of a slab (PS3.18 8.3.5.3.3)", {"enum": ["maximum_ip", "minimum_ip", "average_ip"]}),
)

LEVELS: Final = {STUDY: "Study", SERIES: "Series", INSTANCE: "Instance"}


def retrievals() -> Iterator[Operation]:
    """Yield the operations below /dicom-web."""
    for path, level in LEVELS.items():
        is_one = level == "Instance"
        whole = (DICOM, RELATED, _ANYTHING) if is_one else (RELATED, ZIP)
        yield _get(f"Retrieve{level}", path, f"Retrieve the files of a {level.lower()}", whole, has_ranges=True)
        yield _get(f"Retrieve{level}Metadata", f"{path}/metadata", f"Retrieve the metadata of a {level.lower()}",
                   (DICOM_JSON, RELATED))  # fmt: skip
        yield _picture(f"RetrieveRendered{level}", f"{path}/rendered", f"Show a {level.lower()}")
        yield _picture(f"Retrieve{level}Thumbnail", f"{path}/thumbnail", f"Show a {level.lower()} in small")
    yield _picture("RetrieveRenderedMPRVolume", f"{SERIES}/renderedmpr", "Show a plane through a series", _PLANES)
    frames = f"{INSTANCE}/frames/{{frames}}"
    yield _get("RetrieveFrames", frames, "Retrieve frames by their numbers", (RELATED, _ANYTHING), has_ranges=True)
    yield _picture("RetrieveRenderedFrames", f"{frames}/rendered", "Show frames")
    yield _picture("RetrieveFrameThumbnail", f"{frames}/thumbnail", "Show a frame in small")
    bulk_data = f"{INSTANCE}/bulkdata/{{path}}"
    yield _get("RetrieveBulkdata", bulk_data, "Retrieve what metadata refer to", (RELATED, _ANYTHING), has_ranges=True)
    pixel_data = f"{INSTANCE}/pixeldata"
    yield _get("RetrievePixelData", pixel_data, "Retrieve all frames", (RELATED, _ANYTHING), has_ranges=True)


def _get(name: str, path: str, summary: str, given: tuple[str, ...], *, has_ranges: bool = False) -> Operation:
    answers = {200: given, 304: ()} | ({206: given} if has_ranges else {})
    problems = (*_KNOWN, 416) if has_ranges else _KNOWN
    return Operation(name, "GET", ROOT + path, summary, "10.4", answers, problems, (ACCEPT,))


def _picture(name: str, path: str, summary: str, more: tuple[Parameter, ...] = ()) -> Operation:
    parameters = (ACCEPT, *_PICTURES, *more)
    answers: dict[int, tuple[str, ...]] = {200: (_ANYTHING,), 206: (_ANYTHING,), 304: ()}
    return Operation(name, "GET", ROOT + path, summary, "10.4", answers, (*_KNOWN, 416), parameters)


def uri_service() -> Operation:
    """Return the operation of WADO-URI."""
    uid = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$", "maxLength": 64}
    number = {"type": "integer", "minimum": 1, "maximum": 8192}
    parameters = (
        Parameter("requestType", "WADO", {"enum": ["WADO"]}, is_required=True),
        *(Parameter(name, "of the instance", uid, is_required=True) for name in ("studyUID", "seriesUID", "objectUID")),
        Parameter("contentType", "media types by comma"),
        Parameter("transferSyntax", "of a DICOM file; its UID, or *"),
        Parameter("frameNumber", "from 1", number),
        Parameter("rows", "of the box that the picture fits in", number),
        Parameter("columns", "of the same box", number),
        Parameter("region", "left,top,right,bottom as parts of the image"),
        Parameter("windowCenter", "with windowWidth", {"type": "number"}),
        Parameter("windowWidth", "with windowCenter", {"type": "number"}),
        Parameter("imageQuality", "of a JPEG", {"type": "integer", "minimum": 1, "maximum": 100}),
        Parameter("anonymize", "not done here", {"enum": ["yes"]}),
    )
    answers: dict[int, tuple[str, ...]] = {200: (_ANYTHING,), 206: (_ANYTHING,), 304: ()}
    summary = "Retrieve an instance, by URI"
    return Operation("RetrieveByURI", "GET", "/wado", summary, "9", answers, (*_KNOWN, 416), parameters)
