"""A study or series as the answer `application/zip`: its files and a DICOMDIR.

References
----------
PS3.18 8.7.3.1 (application/zip), PS3.10 8 DICOM File Service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import orjson
from starlette.requests import Request
from starlette.responses import Response

from radstream.catalog.filters import Equals
from radstream.catalog.port import Catalog, Document
from radstream.contract.documents import INSTANCES
from radstream.contract.errors import NotFound
from radstream.dicom.dicomdir import File, listed
from radstream.dicom.packing import unpack
from radstream.retrieval.instance import Instances
from radstream.retrieval.pixel_data import Value
from radstream.web.accept import Offer
from radstream.web.conditional import cache_headers, unchanged
from radstream.web.streaming import Streamed
from services.api.tags import tag_of_all
from services.api.zipped import Entry, path_of, zipped


def archive_of(
    request: Request, catalog: Catalog, instances: Instances, found: Sequence[Document], wanted: Mapping[str, Offer]
) -> Response:
    """Return those of `found` for whose stored transfer syntax something is `wanted`, in one archive.

    What cannot be made in the wanted transfer syntax is in it as it is stored; the DICOMDIR says so.
    """
    sent = [document for document in found if document["TransferSyntaxUID"] in wanted]
    offers = [wanted[document["TransferSyntaxUID"]] for document in sent]
    etag = tag_of_all(zip(sent, offers, strict=True))
    if (response := unchanged(request, etag)) is not None:
        return response
    entries: list[Entry] = []
    numbers: dict[str, int] = {}
    for document, offer in zip(sent, offers, strict=True):
        series = numbers.setdefault(document["SeriesInstanceUID"], len(numbers) + 1)
        path = path_of(series, len(entries) + 1)
        entries.append(Entry(partial(_entry, catalog, instances, document, offer.transfer_syntax_uid, path)))
    name = f'attachment; filename="{found[0]["StudyInstanceUID"]}.zip"'
    headers = {**cache_headers(etag), "content-disposition": name}
    status_code = 200 if len(sent) == len(found) else 206
    return Streamed(zipped(entries), "application/zip", status_code=status_code, headers=headers)


async def _entry(
    catalog: Catalog, instances: Instances, document: Document, target: str, path: tuple[str, ...]
) -> tuple[File, Value]:
    known = await catalog.find(INSTANCES.name, Equals("_id", document["_id"]), fields=("metadata",))
    if not known:
        raise NotFound("an instance is not stored here any more")
    attributes = listed(orjson.loads(unpack(known[0]["metadata"])))
    made = await instances.made_or_stored(document, target)
    sop_class_uid = document["SOPClassUID"] or ""
    return File(path, sop_class_uid, document["_id"], made.transfer_syntax_uid, attributes), made.value
