"""Every error a Radstream part may raise, and what each one means at every door.

::

    RadstreamError
    ├── RejectedInstance      the sender's fault: bad UID, unreadable data set
    ├── UnsupportedInstance   nobody's fault: a SOP class, syntax or rendering that is not handled
    ├── MalformedRequest      a reader's fault: a query or URL that means nothing
    │   └── OversizedRequest  a sender's fault: more at once than is read as a whole
    ├── NotFound              a caller asks for what is not here
    ├── Unavailable           a dependency's fault: log, blob store or catalog does not answer
    │   └── StorageFull       the disk's fault: the blob store has no room
    ├── MalformedEvent        our own producer's fault: a record nobody can read
    └── UnsafeConfiguration   the operator's fault: refuses to start, says what to set

Anything else is our bug. Only the boundaries (scp, http, the consume loop, the command) turn errors into answers, and
they all use `ANSWERS`. Texts never hold patient data: they may be logged and sent to peers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class RadstreamError(Exception):
    """Root of the tree; its text is safe to log and to send to a peer."""


class RejectedInstance(RadstreamError):
    """An instance that cannot be kept as it is.

    Parameters
    ----------
    reason : str
        Why, without patient data.
    status : int
        The C-STORE status and STOW-RS Failure Reason, by default 0xC000 *Cannot Understand* (PS3.4 B.2.3).
    """

    def __init__(self, reason: str, status: int = 0xC000) -> None:
        super().__init__(reason)
        self.status = status


class UnsupportedInstance(RadstreamError):
    """An instance or rendering that this system does not handle; the instance itself is sound."""


class MalformedRequest(RadstreamError):
    """A query, path or header of a reader that cannot be understood."""


class OversizedRequest(MalformedRequest):
    """A part of a request that has to be read as a whole, and is too long for that."""


class NotFound(RadstreamError):
    """What was asked for is not stored here."""


class Unavailable(RadstreamError):
    """A dependency did not answer in time; the same call may succeed later."""


class StorageFull(Unavailable):
    """The blob store has no room; the same instance may be stored as soon as somebody makes some."""


class MalformedEvent(RadstreamError):
    """A record of the log that does not decode to the event its topic promises."""


class UnsafeConfiguration(RadstreamError):
    """Settings under which the system refuses to start; the text says what to set."""


@dataclass(frozen=True)
class Answer:
    """What one kind of error means at each door.

    Parameters
    ----------
    dimse_status : int
        Status of a C-STORE response (PS3.4 B.2.3, PS3.7 C); a `RejectedInstance` carries its own.
    http_status : int
    consumer : {"dead-letter", "pause", "retry"}
        What the consume loop does: dead-letter now, pause until it works again, or retry a few times and dead-letter.
    """

    dimse_status: int
    http_status: int
    consumer: Literal["dead-letter", "pause", "retry"]


ANSWERS: dict[type[Exception], Answer] = {
    RejectedInstance: Answer(0xC000, 409, "dead-letter"),
    UnsupportedInstance: Answer(0x0122, 406, "dead-letter"),
    MalformedRequest: Answer(0xC000, 400, "dead-letter"),
    OversizedRequest: Answer(0xA700, 413, "dead-letter"),
    NotFound: Answer(0x0112, 404, "dead-letter"),
    Unavailable: Answer(0xA700, 503, "pause"),
    StorageFull: Answer(0xA700, 507, "pause"),  # RFC 4918 11.5
    MalformedEvent: Answer(0x0110, 500, "dead-letter"),
    Exception: Answer(0x0110, 500, "retry"),
}


def answer_to(error: Exception) -> Answer:
    """Return the row of `ANSWERS` for `error`: its own class or the nearest base class that has one."""
    return next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)


def dimse_status(error: Exception) -> int:
    """Return the C-STORE status for `error`, as 16-bit integer."""
    return error.status if isinstance(error, RejectedInstance) else answer_to(error).dimse_status
