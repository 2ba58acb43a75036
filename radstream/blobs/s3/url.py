"""What the URL of a bucket says: ``s3://access:secret@host:port/bucket?secure=0&region=eu-central-1``."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from radstream.blobs.s3.store import S3BlobStore
from radstream.contract.errors import UnsafeConfiguration

_OPTIONS: Final = frozenset({"secure", "region"})
_FORM: Final = "s3://access:secret@host:port/bucket?secure=1&region=us-east-1"


def open_bucket(url: str, *, multipart_above_bytes: int = 8 << 20) -> S3BlobStore:
    """Return the store at `url`; the keys in it may be percent-encoded.

    Raises
    ------
    UnsafeConfiguration
        If the URL is not of that form; the text does not repeat it, since it holds a secret.
    """
    try:
        parts = urlsplit(url)
        endpoint = parts.netloc.rpartition("@")[2]
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError as error:
        raise UnsafeConfiguration(f"the URL of a blob store has the form {_FORM}") from error
    access_key, secret_key = unquote(parts.username or ""), unquote(parts.password or "")
    bucket = parts.path.strip("/")
    is_known = options.keys() <= _OPTIONS and options.get("secure", "1") in ("0", "1")
    if not (endpoint and bucket and access_key and secret_key and port_is_valid and is_known):
        raise UnsafeConfiguration(f"the URL of a blob store has the form {_FORM}")
    secure, region = options.get("secure", "1") == "1", options.get("region") or "us-east-1"
    return S3BlobStore(
        endpoint,
        bucket,
        access_key,
        secret_key,
        secure=secure,
        region=region,
        multipart_above_bytes=multipart_above_bytes,
    )
