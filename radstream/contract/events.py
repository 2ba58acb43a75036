"""The events, as JSON on the log with CloudEvents attributes as record headers. No patient data: a log cannot forget.

Every event of an instance carries the whole address and what a reader needs to fetch exactly the header, so that no
consumer has to ask another service. The key of every record is the Study Instance UID: order per study.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Literal, TypeVar

import msgspec

from radstream.contract.blob_keys import InstanceKey
from radstream.contract.errors import MalformedEvent
from radstream.contract.uids import Uid

Priority = Literal["routine", "urgent"]


def to_timestamp(moment: datetime) -> str:
    """Return `moment` as UTC in ISO 8601 with microseconds; such texts sort by time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def from_timestamp(text: str) -> datetime:
    """Return the moment that `to_timestamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def new_event_id() -> str:
    """Return an id for one event, unique and without meaning."""
    return uuid.uuid4().hex


class InstanceEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one instance.

    Parameters
    ----------
    occurred_at : str
        For `InstanceStored` the time at which the blob was first stored: an existing blob is never written again, so
        this is the same for every event about it and orders the versions of an instance.
    header_bytes : int
        Offset of the Pixel Data element *in the blob*, so that ``read(blob_key, 0, header_bytes)`` is exactly the
        header; the whole size if there is no Pixel Data; 0 if unknown (deflated data sets, far too long headers).
    size_bytes : int
        Of the blob (a Part 10 file: preamble, meta group, data set).
    sha256 : str
        Of the data set's bytes as received.
    """

    event_id: str
    event_type: str
    version: int = 1
    occurred_at: str
    site: str
    study_instance_uid: Uid
    series_instance_uid: Uid
    sop_instance_uid: Uid
    sop_class_uid: Uid
    transfer_syntax_uid: Uid
    blob_key: str
    size_bytes: int
    sha256: str
    header_bytes: int
    calling_ae_title: str = ""
    priority: Priority = "routine"

    @property
    def instance_key(self) -> InstanceKey:
        """The blob key in parts."""
        return InstanceKey(
            self.site, self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid, self.sha256
        )


class InstanceStored(InstanceEvent, frozen=True, kw_only=True):
    """The exact bytes of an instance are durable in the blob store."""

    event_type: str = "instance-stored"


class InstanceIndexed(InstanceEvent, frozen=True, kw_only=True):
    """An instance is in the catalog and can be found."""

    event_type: str = "instance-indexed"


class InstanceRendered(InstanceEvent, frozen=True, kw_only=True):
    """An instance's preview is made, or it is known why there is none.

    Parameters
    ----------
    preview_key : str
        Key in the cache bucket; empty if the instance has no picture.
    not_rendered_reason : str
        Why there is none; empty if there is one.
    """

    event_type: str = "instance-rendered"
    preview_key: str = ""
    not_rendered_reason: str = ""


class InstanceConflicted(InstanceEvent, frozen=True, kw_only=True):
    """A SOP Instance UID came again with other bytes: both are kept, the first stays visible.

    The event's own address is that of the hidden version.

    Parameters
    ----------
    visible_blob_key : str
        The version that is shown.
    """

    event_type: str = "instance-conflicted"
    visible_blob_key: str


class StudyEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a study as a whole."""

    event_id: str
    event_type: str
    version: int = 1
    occurred_at: str
    site: str
    study_instance_uid: Uid
    number_of_series: int
    number_of_instances: int


class StudyCompleted(StudyEvent, frozen=True, kw_only=True):
    """Nothing has arrived for a study during its quiet time."""

    event_type: str = "study-completed"


class StudyReopened(StudyEvent, frozen=True, kw_only=True):
    """An instance arrived for a study that had been announced as complete, or one of it was deleted."""

    event_type: str = "study-reopened"


class StudyDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody decided that a study, or a part of it, is not to be shown any more.

    Parameters
    ----------
    event_type : {"study-deleted", "series-deleted", "instance-deleted"}
    occurred_at : str
        When it was decided. The time of the decision's record counts: it holds for what was stored until then.
    series_instance_uid, sop_instance_uid : Uid or None
        The part; None is all.
    """

    event_id: str
    event_type: Literal["study-deleted", "series-deleted", "instance-deleted"]
    version: int = 1
    occurred_at: str
    site: str
    study_instance_uid: Uid
    series_instance_uid: Uid | None = None
    sop_instance_uid: Uid | None = None


Event = InstanceEvent | StudyEvent | StudyDeleted
EventT = TypeVar("EventT", bound=InstanceEvent | StudyEvent | StudyDeleted)

_ENCODER = msgspec.json.Encoder()


def to_json(event: Event) -> bytes:
    """Return `event` as the JSON value of a record."""
    return _ENCODER.encode(event)


def from_json(value: bytes, kind: type[EventT]) -> EventT:
    """Return the event in a record's value.

    Unknown fields are ignored: a newer producer may add some.

    Raises
    ------
    MalformedEvent
        If the value is not JSON, or a field is missing or of the wrong type.
    """
    try:
        return msgspec.json.decode(value, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise MalformedEvent(f"not a {kind.__name__}: {type(error).__name__}") from error


def headers_of(event: Event, *, traceparent: str = "") -> dict[str, str]:
    """Return the record headers of `event`: CloudEvents 1.0 in binary mode, with `traceparent` if there is one."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event.event_id,
        "ce_type": event.event_type,
        "ce_source": f"radstream/{event.site}",
        "ce_time": event.occurred_at,
        "ce_dataschemaversion": str(event.version),
        "content-type": "application/json",
    }
    return headers | ({"traceparent": traceparent} if traceparent else {})


def derive(source: InstanceEvent, kind: type[EventT], **changes: object) -> EventT:
    """Return an event of `kind` about the same instance as `source`, with its own id.

    The address, time and priority are copied; `changes` are the fields that only `kind` has.
    """
    same = {name: getattr(source, name) for name in InstanceEvent.__struct_fields__ if name not in _OWN}
    return kind(**(same | {"event_id": new_event_id()} | changes))


_OWN = frozenset({"event_id", "event_type", "version"})
