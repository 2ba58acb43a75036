from __future__ import annotations

import builtins
import sys

import pytest
import urllib3
from minio.error import InvalidResponseError, S3Error, ServerError

from radstream.backends import open_blobs
from radstream.blobs.s3 import S3BlobStore, open_bucket
from radstream.blobs.s3.errors import answering, looking_up
from radstream.contract.errors import NotFound, RadstreamError, Unavailable, UnsafeConfiguration


def s3_error(code: str) -> S3Error:
    return S3Error(None, code, "patient name", None, None, None)


async def test_store_is_chosen_by_url() -> None:
    store = open_blobs("s3://access:se%2Fcret@127.0.0.1:9000/blobs?secure=0&region=eu-central-1")
    assert isinstance(store, S3BlobStore)
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "s3://host:9000/blobs",
        "s3://access@host:9000/blobs",
        "s3://access:hunter2@host:9000/",
        "s3://access:hunter2@/blobs",
        "s3://access:hunter2@host:port/blobs",
        "s3://access:hunter2@host:9000/blobs?secure=maybe",
        "s3://access:hunter2@host:9000/blobs?sekure=0",
        "s3://access:hunter2@host:9000/blobs?secure",
        "s3://access:hunter2@host:9000/b",
        "s3://access:hunter2@host:9000/two/folders",
        "s3://access:hunter2@[::1/blobs",
    ],
)
def test_url_that_makes_no_sense_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(UnsafeConfiguration, match="URL") as caught:
        open_bucket(url)
    assert "hunter2" not in str(caught.value)


def test_missing_package_is_named_with_the_extra_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("radstream.blobs.s3", "minio"))]:
        monkeypatch.delitem(sys.modules, name)
    real_import = builtins.__import__

    def without_minio(name: str, *arguments: object, **more: object) -> object:
        if name.partition(".")[0] == "minio":
            raise ModuleNotFoundError("No module named 'minio'", name="minio")
        return real_import(name, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_minio)
    with pytest.raises(UnsafeConfiguration, match=r"minio.*radstream\[cluster\]"):
        open_blobs("s3://access:secret@host:9000/blobs")


@pytest.mark.parametrize(
    "error",
    [
        s3_error("InternalError"),
        s3_error("SlowDown"),
        s3_error("NoSuchBucket"),
        s3_error("AccessDenied"),
        s3_error("NoSuchKey"),
        ServerError("x", 500),
        InvalidResponseError(502, "text/html", "<html>"),
        urllib3.exceptions.ReadTimeoutError(None, "", ""),  # type: ignore[arg-type]
        urllib3.exceptions.IncompleteRead(1, 2),
        ConnectionResetError("x"),
    ],
    ids=lambda error: getattr(error, "code", type(error).__name__),
)
def test_whatever_goes_wrong_is_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable) as caught, answering("write"):
        raise error
    assert "patient" not in str(caught.value)


def test_bad_keys_and_missing_bucket_say_where_to_look() -> None:
    for code, word in (("SignatureDoesNotMatch", "key"), ("InvalidAccessKeyId", "key"), ("NoSuchBucket", "bucket")):
        with pytest.raises(Unavailable, match=f"{word}.*URL"), looking_up():
            raise s3_error(code)


def test_missing_object_is_not_found_when_looked_up() -> None:
    with pytest.raises(NotFound), looking_up():
        raise s3_error("NoSuchKey")


def test_our_errors_pass() -> None:
    with pytest.raises(RadstreamError, match="as it is"), looking_up():
        raise NotFound("as it is")
