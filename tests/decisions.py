"""Decisions as the doors record them, at moments that a test chooses."""

from __future__ import annotations

from datetime import timedelta

from radstream.bus.port import Record
from radstream.contract.blob_keys import parse_instance_key
from radstream.contract.decision_keys import Target, decided_key, deletion_key, return_key
from radstream.contract.events import InstanceStored, headers_of, to_json, to_timestamp
from radstream.contract.uids import Uid
from services.ingest.delete import event_of
from tests.index_engines import START, Archive


def delete(archive: Archive, *uids: str, after_s: float) -> Record:
    """Decide that what `uids` name (of study, series, instance) is deleted, and return what the log says of it."""
    target = Target("main", *map(Uid, uids))
    number = len(archive.blobs.contents)
    _record(archive, decided_key("main", target.study_instance_uid), after_s)
    _record(archive, deletion_key(target, f"{number:032x}"), after_s)
    event = event_of(target)
    return Record("study-deleted", 0, number, event.study_instance_uid, to_json(event), headers_of(event), 0)


def store_again(archive: Archive, event: InstanceStored, *, after_s: float) -> InstanceStored:
    """Note that the bytes of `event` were stored again, and return the event of that."""
    key = parse_instance_key(event.blob_key)
    _record(archive, return_key(key, f"{len(archive.blobs.contents):032x}"), after_s)
    return type(event)(
        **{name: getattr(event, name) for name in event.__struct_fields__} | {"occurred_at": _at(after_s)}
    )


def _record(archive: Archive, key: str, after_s: float) -> None:
    archive.blobs.contents.setdefault(key, (b"{}", START + timedelta(seconds=after_s)))


def _at(after_s: float) -> str:
    return to_timestamp(START + timedelta(seconds=after_s))
