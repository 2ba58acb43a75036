"""Every blob store there is, each opened on an empty place of its own. A new adapter is one more line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from radstream.blobs.folder import FolderBlobStore
from radstream.blobs.port import BlobStore
from radstream.blobs.s3 import open_bucket
from tests.engines import seaweedfs

ADAPTERS: dict[str, Callable[[Path], BlobStore]] = {
    "folder": lambda folder: FolderBlobStore(folder / "blobs"),
    "folder as cache": lambda folder: FolderBlobStore(folder / "blobs", durable=False),
    "s3": lambda _: open_bucket(seaweedfs().bucket_url("ports")),
    "s3 in parts": lambda _: open_bucket(seaweedfs().bucket_url("ports-in-parts"), multipart_above_bytes=1),
}
ON_ENGINES = {"s3", "s3 in parts"}
