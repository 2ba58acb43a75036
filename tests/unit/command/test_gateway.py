"""Each URL has one owner: the gateway's rule is that of the data path."""

from __future__ import annotations

import pytest

from services.command.gateway import owner_of


@pytest.mark.parametrize(
    ("method", "path", "owner"),
    [
        ("POST", "/dicom-web/studies", "ingest"),
        ("POST", "/dicom-web/studies/1.2.3", "ingest"),
        ("POST", "/dicom-web/studies/1.2.3/series", "api"),
        ("GET", "/dicom-web/studies", "api"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/instances/1.4/frames/1", "api"),
        ("GET", "/dicom-web/studies/1.2/series/1.3/instances/1.4/frames/1/rendered", "render"),
        ("GET", "/dicom-web/studies/1.2/thumbnail", "render"),
        ("GET", "/", "api"),
        ("GET", "/readyz", "api"),
    ],
)
def test_a_url_goes_to_the_service_that_owns_it(method: str, path: str, owner: str) -> None:
    assert owner_of(method, path) == owner
