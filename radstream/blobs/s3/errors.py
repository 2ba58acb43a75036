"""How the errors of an S3 server, and of the way to it, become ours. No text of the server's is passed on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from radstream.blobs.keys import InvalidKey
from radstream.contract.errors import NotFound, StorageFull, Unavailable

_REFUSED: Final = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"})
_FULL: Final = frozenset({"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"})


@contextmanager
def answering(action: str) -> Iterator[None]:
    """Turn whatever goes wrong into `Unavailable`, a full server or bucket into `StorageFull`.

    Parameters
    ----------
    action : str
        What could not be done, such as "write".
    """
    try:
        yield
    except S3Error as error:
        kind = StorageFull if error.code in _FULL else Unavailable
        raise kind(_explanation(action, error.code or "no code")) from error
    except (MinioException, HTTPError, OSError, ValueError) as error:  # ValueError: XML that is none
        raise Unavailable(f"the blob store cannot {action} ({type(error).__name__})") from error


@contextmanager
def looking_up() -> Iterator[None]:
    """Turn "no such key" into `NotFound`, and whatever else goes wrong into `Unavailable`."""
    with answering("read"):
        try:
            yield
        except InvalidKey as error:
            raise NotFound("no such blob") from error
        except S3Error as error:
            if error.code == "NoSuchKey":
                raise NotFound("no such blob") from error
            raise


def _explanation(action: str, code: str) -> str:
    if code == "NoSuchBucket":
        return "the blob store has no such bucket: create it, or look at the name in its URL"
    if code in _REFUSED:
        return f"the blob store refuses our access key ({code}): look at the keys in its URL"
    return f"the blob store cannot {action} ({code})"
