"""Which instances of a series or a study have pictures, and which one stands for all of them in a thumbnail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from radstream.catalog.filters import And, Equals, Exists, Not, Or, Predicate
from radstream.catalog.port import Catalog, Document
from radstream.contract.documents import INSTANCES, SERIES, series_key
from radstream.contract.errors import NotFound
from radstream.contract.uids import Uid
from services.render.source import FIELDS

MOST_SERIES: Final = 64
"""Series of a study that are looked at; reports and the like come without pictures."""


MOST_INSTANCES: Final = 10_000
"""Instances whose pictures are sent in one answer."""


async def instances_of(catalog: Catalog, study_instance_uid: Uid, series_instance_uid: Uid | None) -> list[str]:
    """Return the SOP Instance UIDs of all instances of a study, or of one of its series, that may have pictures.

    Returns
    -------
    list of str
        Series by series, each in the order of its Instance Numbers; at most `MOST_INSTANCES`.

    Raises
    ------
    NotFound
        If there is none.
    Unavailable
    """
    keys = [series_key(study_instance_uid, series_instance_uid)] if series_instance_uid else []
    if not keys:
        of_this = Equals("StudyInstanceUID", study_instance_uid)
        series = await catalog.find(SERIES.name, of_this, fields=(), sort=("SeriesNumber",), limit=MOST_SERIES)
        keys = [each["_id"] for each in series]
    uids: list[str] = []
    for key in keys:
        found = await catalog.find(
            INSTANCES.name,
            And((Equals("series_key", key), Exists("Rows"), Not(_VIDEO))),
            fields=(),
            sort=("InstanceNumber",),
            limit=MOST_INSTANCES - len(uids),
        )
        uids += [each["_id"] for each in found]
        if len(uids) >= MOST_INSTANCES:
            break
    if not uids:
        raise NotFound("no such study or series with pictures is stored here")
    return uids


async def of_series(catalog: Catalog, study_instance_uid: Uid, series_instance_uid: Uid) -> Document:
    """Return the document of the instance in the middle of a series, among those that may have pictures.

    Raises
    ------
    NotFound
        If the series is not here, or holds no pictures.
    Unavailable
    """
    key = series_key(study_instance_uid, series_instance_uid)
    document = await _middle(catalog, Equals("series_key", key))
    if document is None:
        raise NotFound("no such series with pictures is stored here")
    return document


async def of_study(catalog: Catalog, study_instance_uid: Uid) -> Document:
    """Return the document of the instance that stands for a study. Errors as `of_series`."""
    async for document in _of_series_in_turn(catalog, study_instance_uid):
        return document
    raise NotFound("no such study with pictures is stored here")


async def of_each_series(catalog: Catalog, study_instance_uid: Uid) -> list[Document]:
    """Return the documents of the instances that stand for the first `MOST_SERIES` series of a study, in their order.

    The first one stands for the study, too; there may be none.

    Raises
    ------
    Unavailable
    """
    return [document async for document in _of_series_in_turn(catalog, study_instance_uid)]


async def _of_series_in_turn(catalog: Catalog, study_instance_uid: Uid) -> AsyncIterator[Document]:
    of_this = Equals("StudyInstanceUID", study_instance_uid)
    series = await catalog.find(SERIES.name, of_this, fields=(), sort=("SeriesNumber",), limit=MOST_SERIES)
    for each in series:
        document = await _middle(catalog, Equals("series_key", each["_id"]))
        if document is not None:
            yield document


async def _middle(catalog: Catalog, where: Predicate) -> Document | None:
    with_pictures = And((where, Exists("Rows"), Not(_VIDEO)))
    count = await catalog.count(INSTANCES.name, with_pictures)
    found = await catalog.find(
        INSTANCES.name, with_pictures, fields=FIELDS, sort=("InstanceNumber",), skip=count // 2, limit=1
    )
    return found[0] if found else None


_VIDEO: Final = Or(
    [
        Equals("TransferSyntaxUID", f"1.2.840.10008.1.2.4.{number}{fragmentable}")
        for number in range(100, 109)
        for fragmentable in ("", ".1")
    ]
)
