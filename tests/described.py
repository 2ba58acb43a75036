"""Instances as metadata and bulk data, for the tests of STOW-RS; pydicom reads what comes of them."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import FileDataset

from radstream.dicom.from_json import references
from radstream.dicom.values import to_little_endian
from radstream.dicom.walk import Walk
from radstream.dicom.xml import to_xml
from tests.dicom_bytes import BIG, header_of
from tests.instances import MR_IMAGE_STORAGE, uid
from tests.samples import Sample
from tests.stow_door import BOUNDARY, body_of

JSON_RELATED = f'multipart/related; type="application/dicom+json"; boundary={BOUNDARY}'
XML_RELATED = f'multipart/related; type="application/dicom+xml"; boundary={BOUNDARY}'
DICOM_JSON, DICOM_XML, OCTETS = "application/dicom+json", "application/dicom+xml", "application/octet-stream"

Attributes = dict[str, dict[str, Any]]


def entry(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def described(number: int = 1, **attributes: dict[str, Any]) -> Attributes:
    """Return an instance without an image, with `attributes` by tag (``t00100010``) added or replaced."""
    identity = {
        "00080016": entry("UI", MR_IMAGE_STORAGE),
        "00080018": entry("UI", uid(3, number)),
        "0020000D": entry("UI", uid(1, 1)),
        "0020000E": entry("UI", uid(2, 1)),
    }
    return identity | {name.removeprefix("t"): value for name, value in attributes.items()}


def image(rows: int, columns: int, uri: str, *, bits: int = 16, frames: int = 1, number: int = 1) -> Attributes:
    """Return an instance whose Pixel Data is bulk data at `uri`."""
    numbers = {
        "00280002": 1,
        "00280010": rows,
        "00280011": columns,
        "00280100": bits,
        "00280101": bits,
        "00280102": bits - 1,
        "00280103": 0,
    }
    return (
        described(number)
        | {tag: entry("US", each) for tag, each in numbers.items()}
        | {"00280004": entry("CS", "MONOCHROME2"), "00280008": entry("IS", frames)}
        | {"7FE00010": {"vr": "OW", "BulkDataURI": uri}}
    )


def json_request(*instances: Any, parts: Mapping[str, tuple[str, bytes]] | None = None) -> bytes:
    """Return a body of metadata in JSON and, by location, bulk data with its media type."""
    metadata = json.dumps(list(instances)).encode()
    return body_of(({"Content-Type": DICOM_JSON}, metadata), *_bulk(parts or {}))


def xml_request(*instances: Attributes, parts: Mapping[str, tuple[str, bytes]] | None = None) -> bytes:
    """Return a body of metadata in XML, one part an instance, and, by location, bulk data with its media type."""
    metadata = [({"Content-Type": DICOM_XML}, to_xml(each)) for each in instances]
    return body_of(*metadata, *_bulk(parts or {}))


def _bulk(parts: Mapping[str, tuple[str, bytes]]) -> list[tuple[dict[str, str], bytes]]:
    return [
        ({"Content-Type": media_type, "Content-Location": location}, content)
        for location, (media_type, content) in parts.items()
    ]


def described_sample(sample: Sample) -> tuple[Attributes, dict[str, tuple[str, bytes]]]:
    """Return a real header as DICOM JSON, and by location the long values that it refers to, in little endian."""
    header, syntax = header_of(sample)
    walk = Walk(header, syntax)
    parts = {}
    for uri, _ in references(walk.attributes):
        offset, length, vr = walk.places[uri]
        content = header[offset : offset + length]
        parts[uri] = (OCTETS, to_little_endian(content, vr) if syntax == BIG else content)
    return walk.attributes, parts


def read(content: bytes | Path) -> FileDataset:
    """Return what pydicom reads, whatever it complains of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(content) if isinstance(content, bytes) else content)
