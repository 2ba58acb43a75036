"""The HTTP door of deletion: a study, series or instance is not to be shown any more.

The Standard names no such transaction for what is stored; the requests are those of other archives: DELETE of the
resource that is retrieved. Nothing but a record is written: the blobs stay until `radstream purge`. What is there is
asked of the blob store, so that neither a catalog that is away nor an index that is behind changes the answer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from radstream.backends import Backends
from radstream.blobs.decisions import arrivals_at, decide_deletion
from radstream.contract.decision_keys import Target
from radstream.contract.errors import NotFound
from radstream.contract.events import StudyDeleted, new_event_id, to_json, to_timestamp
from radstream.settings import Settings
from radstream.telemetry import get_logger
from radstream.web.paths import INSTANCE, SERIES, STUDY, uids_of
from radstream.web.problems import problem
from services.ingest.announce import Announcer, marker_of

log = get_logger(__name__)

NOT_PERMITTED: Final = "nothing can be deleted here: the operator has not set RADSTREAM_ALLOW_DELETE"


def router(backends: Backends, settings: Settings) -> APIRouter:
    """Return the routes below /dicom-web; without `allow_delete` they refuse (403)."""
    routes = APIRouter(prefix="/dicom-web")
    deleting = Deleting(backends, settings)

    async def delete(request: Request) -> Response:
        target = Target(settings.site, *uids_of(request.path_params))
        if not settings.allow_delete:
            return problem(403, NOT_PERMITTED)
        await deleting.delete(target)
        return Response(status_code=204)

    for path in (STUDY, SERIES, INSTANCE):
        routes.add_api_route(path, delete, methods=["DELETE"])
    return routes


class Deleting:
    """Decides that something is deleted, and tells who has to know."""

    def __init__(self, backends: Backends, settings: Settings) -> None:
        self._blobs = backends.blobs
        self._announcer = Announcer(backends.bus, backends.blobs, settings.publish_deadline_s)

    async def delete(self, target: Target) -> None:
        """Make it durable that `target` is deleted; the catalog follows.

        A marker is there before the decision, and goes when the log has the event: whatever ends this process between
        the two, the sweep tells the log.

        Raises
        ------
        NotFound
            If no instance is stored there, or all are deleted.
        Unavailable
            If the blob store does not answer; then nothing may have been decided, or all of it: try again.
        """
        if not await self._holds_something(target):
            raise NotFound("no such study, series or instance is stored here")
        event = event_of(target)
        await self._blobs.put(marker_of(event), to_json(event))
        await decide_deletion(self._blobs, target)
        if await self._announcer.announce(event):
            await self._blobs.delete(marker_of(event))
        log.info("deletion_decided", event_type=event.event_type, study_instance_uid=target.study_instance_uid)

    async def _holds_something(self, target: Target) -> bool:
        async for _, deleted_at in arrivals_at(self._blobs, target):
            if deleted_at is None:
                return True
        return False


def event_of(target: Target) -> StudyDeleted:
    """Return what tells the log that `target` is deleted."""
    of_series: Literal["series-deleted", "study-deleted"]
    of_series = "series-deleted" if target.series_instance_uid else "study-deleted"
    return StudyDeleted(
        event_id=new_event_id(),
        event_type="instance-deleted" if target.sop_instance_uid else of_series,
        occurred_at=to_timestamp(datetime.now(UTC)),
        site=target.site,
        study_instance_uid=target.study_instance_uid,
        series_instance_uid=target.series_instance_uid,
        sop_instance_uid=target.sop_instance_uid,
    )
