"""The blob store of a cluster, in a bucket of any S3; `store` is what the rest of the house sees."""

from radstream.blobs.s3.store import S3BlobStore
from radstream.blobs.s3.url import open_bucket

__all__ = ["S3BlobStore", "open_bucket"]
