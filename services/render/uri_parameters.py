"""What a client may say in the query of WADO-URI. Pure.

References
----------
PS3.18 9.1.2 (URI Service: Retrieve DICOM Instance, Retrieve Rendered Instance), tables 9.1.2-1 to 9.1.2-3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from radstream.contract.errors import MalformedRequest, RejectedInstance, UnsupportedInstance
from radstream.contract.uids import Uid, parse_uid
from services.render.encode import DEFAULT_QUALITY
from services.render.parameters import annotations_of, whole_number, window_of
from services.render.pixels import Wish
from services.render.viewport import LARGEST_SIDE, Region
from services.render.windows import Window

_OF_PICTURES: Final = frozenset(
    {
        "annotation",
        "columns",
        "framenumber",
        "imagequality",
        "presentationseriesuid",
        "presentationuid",
        "region",
        "rows",
        "windowcenter",
        "windowwidth",
    }
)
"""Without meaning for a DICOM file, and not allowed for one."""

_WHOLE: Final = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class UriParameters:
    """The parameters of a request.

    Parameters
    ----------
    content_type : str
        Media types by comma; empty if none is named.
    transfer_syntax_uid : str
        Of a DICOM file; empty for the default one.
    region : tuple of float
        Left, top, right and bottom as parts of the image, 0 to 1.
    presentation : (Uid, Uid) or None
        Series and instance of the presentation state that is applied.
    annotations, unknown_annotations : tuple of str
        Of `annotations.KEYWORDS`, and others.
    of_pictures : tuple of str
        Names of those that are given although they have no meaning for a DICOM file.
    """

    study_instance_uid: Uid
    series_instance_uid: Uid
    sop_instance_uid: Uid
    content_type: str = ""
    transfer_syntax_uid: str = ""
    frame_index: int = 0
    quality: int = DEFAULT_QUALITY
    window: Window | None = None
    columns: int | None = None
    rows: int | None = None
    region: tuple[float, float, float, float] = _WHOLE
    presentation: tuple[Uid, Uid] | None = None
    annotations: tuple[str, ...] = ()
    unknown_annotations: tuple[str, ...] = ()
    of_pictures: tuple[str, ...] = ()

    def wish(self, rows: int | None, columns: int | None) -> Wish:
        """Return what this means for an image of `rows` x `columns`."""
        is_bounded = self.rows is not None or self.columns is not None
        box = (self.columns or LARGEST_SIDE, self.rows or LARGEST_SIDE) if is_bounded else None
        region = None if self.region == _WHOLE else _region(self.region, rows or 1, columns or 1)
        return Wish(self.window, box, region, annotations=self.annotations)


def parse_uri_parameters(query: Mapping[str, str]) -> UriParameters:
    """Return the parameters in a query; names are matched without regard to case, unknown ones ignored.

    Raises
    ------
    MalformedRequest
        If one that is needed is missing, one means nothing, or two do not go together.
    UnsupportedInstance
        (406) If something is asked for that is not done here: to anonymize.
    """
    given = {name.lower(): value.strip() for name, value in query.items() if value.strip()}
    if given.get("requesttype", "").upper() != "WADO":
        raise MalformedRequest("requestType is WADO")
    _refuse_what_is_not_done(given)
    annotations, unknown_annotations = annotations_of(given.get("annotation", ""))
    return UriParameters(
        _uid(given, "studyUID"),
        _uid(given, "seriesUID"),
        _uid(given, "objectUID"),
        content_type=given.get("contenttype", ""),
        transfer_syntax_uid=given.get("transfersyntax", ""),
        frame_index=whole_number(given.get("framenumber", "1"), "frameNumber", 1, 1 << 32) - 1,
        quality=whole_number(given.get("imagequality", str(DEFAULT_QUALITY)), "imageQuality", 1, 100),
        window=_window(given),
        columns=_side(given, "columns"),
        rows=_side(given, "rows"),
        region=_parts(given["region"]) if "region" in given else _WHOLE,
        presentation=_presentation(given),
        annotations=annotations,
        unknown_annotations=unknown_annotations,
        of_pictures=tuple(sorted(_OF_PICTURES & given.keys())),
    )


def _refuse_what_is_not_done(given: Mapping[str, str]) -> None:
    if given.get("anonymize", "no").lower() not in {"no", "yes"}:
        raise MalformedRequest("anonymize is yes, or left out")
    if given.get("anonymize", "no").lower() == "yes":
        raise UnsupportedInstance("instances are not anonymized here")


def _uid(given: Mapping[str, str], name: str) -> Uid:
    try:
        return parse_uid(given.get(name.lower(), ""))
    except RejectedInstance as error:
        raise MalformedRequest(f"{name}: {error}") from error


def _presentation(given: Mapping[str, str]) -> tuple[Uid, Uid] | None:
    """Return series and instance of the presentation state, which decides about window and region (PS3.18 9.1.2.2)."""
    names = {"presentationuid", "presentationseriesuid"} & given.keys()
    if not names:
        return None
    if len(names) == 1:
        raise MalformedRequest("presentationUID and presentationSeriesUID are given both, or none of them")
    if {"windowcenter", "windowwidth", "region"} & given.keys():
        raise MalformedRequest("a presentation state has its own window and region")
    return _uid(given, "presentationSeriesUID"), _uid(given, "presentationUID")


def _window(given: Mapping[str, str]) -> Window | None:
    names = {"windowcenter", "windowwidth"} & given.keys()
    if len(names) == 1:
        raise MalformedRequest("windowCenter and windowWidth are given both, or none of them")
    return window_of(given["windowcenter"], given["windowwidth"], "LINEAR") if names else None


def _side(given: Mapping[str, str], name: str) -> int | None:
    return whole_number(given[name], name, 1, LARGEST_SIDE) if name in given else None


def _parts(text: str) -> tuple[float, float, float, float]:
    """Return the region: ``xmin,ymin,xmax,ymax``, each a part of the image's width or height."""
    try:
        left, top, right, bottom = (float(field) for field in text.split(","))
    except ValueError as error:
        raise MalformedRequest("region has four numbers") from error
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise MalformedRequest("region is made of left, top, right and bottom, from 0 to 1, and has something of both")
    return left, top, right, bottom


def _region(parts: tuple[float, float, float, float], rows: int, columns: int) -> Region:
    """Return the whole pixels of the image that `parts` mean, at least one."""
    left, top, right, bottom = parts
    x, y = min(int(left * columns), columns - 1), min(int(top * rows), rows - 1)
    return Region(x, y, max(1, round(right * columns) - x), max(1, round(bottom * rows) - y))
