"""WADO-RS: every Retrieve transaction of PS3.18 10.4 but the rendered ones, each in a file of its own."""

from __future__ import annotations

from fastapi import APIRouter

from radstream.backends import Backends
from radstream.retrieval.images import Images
from radstream.settings import Settings
from services.api import bulkdata, frames, metadata, retrieve


def router(backends: Backends, settings: Settings) -> APIRouter:
    """Return the routes below /dicom-web."""
    routes = APIRouter(prefix="/dicom-web", include_in_schema=False)
    images = Images(backends.catalog, backends.blobs)
    retrieve.add_to(routes, backends, settings)
    metadata.add_to(routes, backends, settings)
    frames.add_to(routes, backends, settings, images)
    bulkdata.add_to(routes, backends, settings, images)
    return routes
