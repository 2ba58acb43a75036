"""The event of a stored instance, from its blob alone: for those whose event is not at hand, and for a rebuild."""

from __future__ import annotations

from radstream.blobs.port import BlobInfo, BlobStore
from radstream.contract.blob_keys import parse_instance_key
from radstream.contract.errors import RejectedInstance
from radstream.contract.events import InstanceStored, new_event_id, to_timestamp
from radstream.contract.uids import parse_uid
from radstream.dicom.part10 import parse_meta
from services.index.header import META_BYTES, find_header_bytes


async def describe(blobs: BlobStore, info: BlobInfo) -> InstanceStored:
    """Return the event that ingest published about a blob, apart from who sent it and how urgent it was.

    Raises
    ------
    MalformedEvent
        If the key is not that of an instance.
    RejectedInstance
        If the blob is no Part 10 file as ingest writes it: with the UIDs of its data set in the meta group.
    NotFound, Unavailable
    """
    key = parse_instance_key(info.key)
    meta = parse_meta(await blobs.read(info.key, 0, META_BYTES))
    if meta is None:
        raise RejectedInstance("the blob ends within its File Meta Information")
    return InstanceStored(
        event_id=new_event_id(),
        occurred_at=to_timestamp(info.stored_at),
        site=key.site,
        study_instance_uid=key.study_instance_uid,
        series_instance_uid=key.series_instance_uid,
        sop_instance_uid=key.sop_instance_uid,
        sop_class_uid=parse_uid(meta.media_storage_sop_class_uid),
        transfer_syntax_uid=parse_uid(meta.transfer_syntax_uid),
        blob_key=info.key,
        size_bytes=info.size_bytes,
        sha256=key.sha256,
        header_bytes=await find_header_bytes(blobs, info.key, info.size_bytes, meta),
    )
