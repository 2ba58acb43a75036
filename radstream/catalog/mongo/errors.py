"""How MongoDB's errors become ours. Texts name a kind or a number, never a value of a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from bson.errors import InvalidDocument
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    WriteConcernError,
)

from radstream.contract.errors import Unavailable, UnsafeConfiguration

DUPLICATE_KEY: Final = 11000

_REFUSED: Final = frozenset({13, 18, 8000})
_TOO_LARGE: Final = frozenset({10334, 17280, 17419, 17420})
_AWAY: Final = frozenset(
    {
        6, 7, 24, 50, 64, 79, 89, 91, 100, 112, 134, 175, 189, 202, 262, 290, 317, 364, 9001, 10107, 11600, 11601,
        11602, 13435, 13436, 14031,
    }
)  # fmt: skip
"""Host away, shutting down, no primary or no longer one, interrupted, in conflict, too late, no majority, disk full."""


@contextmanager
def answering() -> Iterator[None]:
    """Turn an outage into `Unavailable`; what is our own fault stays what it is.

    Raises
    ------
    Unavailable
    UnsafeConfiguration
        If the URL asks for what the server cannot do.
    ValueError
        If a document is larger than MongoDB takes.
    """
    try:
        yield
    except (ConnectionFailure, ExecutionTimeout, WriteConcernError) as error:
        raise Unavailable(f"the catalog does not answer ({type(error).__name__})") from error
    except BulkWriteError as error:
        raise (_explained(_code_of(error.details)) or error) from error
    except OperationFailure as error:
        is_passing = error.has_error_label("RetryableWriteError")
        raise (_explained(91 if is_passing else error.code) or error) from error
    except ConfigurationError as error:
        raise UnsafeConfiguration("the URL of the catalog asks for what this MongoDB cannot do") from error
    except InvalidDocument as error:
        raise _explained(10334) or error from error


def _code_of(details: Mapping[str, Any] | None) -> int:
    """Return the number of a bulk write's first error; that a majority did not answer is one too."""
    errors = (details or {}).get("writeErrors") or [{"code": 64}]
    return int(errors[0].get("code", 64))


def _explained(code: int | None) -> Exception | None:
    """Return our error for MongoDB's `code`; None if there is none."""
    if code in _REFUSED:
        return Unavailable(f"the catalog refuses our user ({code}): look at user and password in its URL")
    if code in _AWAY:
        return Unavailable(f"the catalog does not answer ({code})")
    if code in _TOO_LARGE:
        return ValueError("a document is larger than the 16 MiB that MongoDB takes")
    return None
