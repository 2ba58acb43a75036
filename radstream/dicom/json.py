"""From the header's bytes to DICOM JSON (PS3.18 F), and where the bulk values lie that the JSON refers to."""

from __future__ import annotations

from dataclasses import dataclass

from radstream.contract.errors import NotFound
from radstream.dicom.walk import Attributes, Place, Walk


@dataclass(frozen=True)
class Header:
    """What was read.

    Parameters
    ----------
    attributes : dict
        The DICOM JSON object. Values of bulk VRs longer than `walk.LONGEST_INLINE_BYTES` are ``{"vr", "BulkDataURI"}``
        with the path that `locate` understands.
    flags : tuple of str
        What was malformed, as tag and kind: ``00280010 value``, ``00100010 charset``, ``truncated``.
    """

    attributes: Attributes
    flags: tuple[str, ...]


def read_header(header: bytes, transfer_syntax_uid: str) -> Header:
    """Return the DICOM JSON of a data set up to its Pixel Data.

    Parameters
    ----------
    header : bytes
        The data set's bytes up to Pixel Data (inflated, if it was deflated). If they end early, all before is returned.

    Raises
    ------
    RejectedInstance
        If sequences are nested deeper than 64.

    References
    ----------
    PS3.18 F.2 DICOM JSON Model Object Structure; PS3.5 7 The Data Set.
    """
    walk = Walk(header, transfer_syntax_uid)
    return Header(walk.attributes, tuple(walk.flags))


def locate(header: bytes, transfer_syntax_uid: str, path: str) -> Place:
    """Return where a bulk value lies in `header`: offset, length in bytes, and its VR.

    Parameters
    ----------
    path : str
        As `read_header` refers to it: a tag, or tag, item index (from 0), tag …, with slashes between them.

    Raises
    ------
    NotFound
        If there is no such value.
    RejectedInstance
        As `read_header`.
    """
    places = Walk(header, transfer_syntax_uid).places
    if path not in places:
        raise NotFound("the instance has no such bulk data")
    return places[path]


def pixel_data_reference(tag: int, vr: str) -> Attributes:
    """Return the entry of (Float, Double Float) Pixel Data, which `read_header` never sees."""
    return {f"{tag:08X}": {"vr": vr, "BulkDataURI": f"{tag:08X}"}}
