"""WADO-RS: every Retrieve transaction of PS3.18 10.4 but the rendered ones, each in a file of its own."""

from __future__ import annotations

from fastapi import APIRouter

from radstream.backends import Backends
from radstream.retrieval.images import Images
from radstream.retrieval.instance import Instances
from radstream.retrieval.transcoding import Transcoding
from radstream.settings import Settings
from services.api import bulkdata, frames, metadata, retrieve


def router(backends: Backends, settings: Settings, transcoding: Transcoding | None = None) -> APIRouter:
    """Return the routes below /dicom-web.

    Parameters
    ----------
    transcoding : Transcoding, optional
        Closed by whoever brings it. Without one the routes have their own, whose workers end with this process.
    """
    routes = APIRouter(prefix="/dicom-web", include_in_schema=False)
    images = Images(backends.catalog, backends.blobs)
    transcoding = transcoding or Transcoding(backends.previews, settings)
    instances = Instances(backends.blobs, images, transcoding)
    retrieve.add_to(routes, backends, settings, images, instances)
    metadata.add_to(routes, backends, settings)
    frames.add_to(routes, backends, settings, images, transcoding)
    bulkdata.add_to(routes, backends, settings, images, transcoding)
    return routes
