"""The story: from `instance-indexed` to a preview, or to knowing why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from radstream.backends import Backends
from radstream.bus.port import Message, Record
from radstream.catalog.filters import In
from radstream.catalog.port import Document
from radstream.contract.blob_keys import preview_key
from radstream.contract.documents import INSTANCES
from radstream.contract.errors import UnsupportedInstance
from radstream.contract.events import InstanceIndexed, InstanceRendered, derive, from_json, headers_of, to_json
from radstream.contract.topics import INSTANCE_RENDERED
from radstream.telemetry import INSTANCES_RENDERED, get_logger
from services.render.kept import Kept
from services.render.source import FIELDS

log = get_logger(__name__)


class Rendering:
    """Makes the previews of indexed instances.

    Parameters
    ----------
    at_once : int
        Instances that are read and shown side by side.
    """

    def __init__(self, backends: Backends, kept: Kept, at_once: int = 4) -> None:
        self._backends = backends
        self._kept = kept
        self._places = asyncio.Semaphore(at_once)

    async def on_instance_indexed(self, records: Sequence[Record]) -> None:
        """Handle a batch of records of `instance-indexed` or `instance-indexed-urgent`: previews, then their events.

        That an instance has no picture is a result, not a failure: its event says why.

        Raises
        ------
        MalformedEvent
            If a record holds no such event.
        NotFound
            If the blob of an instance is not there.
        Unavailable
            If an engine does not answer.
        """
        events = [from_json(record.value, InstanceIndexed) for record in records]
        shown = await self._shown(events)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._rendered(event, shown.get(event.sop_instance_uid))) for event in events]
        traces = [record.headers.get("traceparent", "") for record in records]
        await self._backends.bus.publish(
            [_message(task.result(), trace) for task, trace in zip(tasks, traces, strict=True)]
        )

    async def _shown(self, events: Sequence[InstanceIndexed]) -> dict[str, Document]:
        """Return the documents of the instances of `events`, as far as there are any, by SOP Instance UID."""
        uids = sorted({event.sop_instance_uid for event in events})
        rows = await self._backends.catalog.find(INSTANCES.name, In("_id", uids), fields=FIELDS)
        return {row["_id"]: row for row in rows}

    async def _rendered(self, event: InstanceIndexed, document: Document | None) -> InstanceRendered:
        if document is None:  # the catalog knew it when the event was published
            return _not_rendered(event, "the instance was deleted meanwhile")
        if document["blob_key"] != event.blob_key:
            return _not_rendered(event, "another version of this instance is shown")
        try:
            async with self._places:
                is_known = await self._kept.arrive(document)
        except UnsupportedInstance as error:
            return _not_rendered(event, str(error))
        INSTANCES_RENDERED.labels("known" if is_known else "made").inc()
        return derive(event, InstanceRendered, preview_key=preview_key(event.instance_key))


def _not_rendered(event: InstanceIndexed, reason: str) -> InstanceRendered:
    INSTANCES_RENDERED.labels("refused").inc()
    log.info("instance_not_rendered", sop_instance_uid=event.sop_instance_uid, reason=reason)
    return derive(event, InstanceRendered, not_rendered_reason=reason)


def _message(event: InstanceRendered, traceparent: str) -> Message:
    headers = headers_of(event, traceparent=traceparent)
    return Message(INSTANCE_RENDERED.name, event.study_instance_uid, to_json(event), headers)
