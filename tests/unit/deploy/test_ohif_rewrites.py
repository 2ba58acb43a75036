"""OHIF below a path of ours: what is rewritten, what is left out, and that nothing else is taken for it."""

from __future__ import annotations

import pytest

from deploy.ohif.rewrites import NothingToRewrite, is_needed, rewritten

PAGE = (
    '<meta name="msapplication-config" content="/assets/browserconfig.xml"><meta content="width=device-width">'
    '<script>window.PUBLIC_URL="/"</script><link href="/app.bundle.css" rel="stylesheet">'
    '<script rel="preload" as="script" type="module" src="/init-service-worker.js"></script>'
    '<script defer src="/app.bundle.0f61.js"></script><a href="//elsewhere">'
)


def test_page_asks_for_everything_below_the_base_and_signs_off_no_service_worker() -> None:
    assert rewritten("index.html", PAGE) == (
        '<meta name="msapplication-config" content="/ohif/assets/browserconfig.xml"><meta content="width=device-width">'
        '<script>window.PUBLIC_URL="/ohif/"</script><link href="/ohif/app.bundle.css" rel="stylesheet">'
        '<script defer src="/ohif/app.bundle.0f61.js"></script><a href="//elsewhere">'
    )


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("1602.css", "a{b:url(/x.woff2) url(//y) url(data:z)}", "a{b:url(/ohif/x.woff2) url(//y) url(data:z)}"),
        ("manifest.json", '{"src": "/assets/a.png"}', '{"src": "/ohif/assets/a.png"}'),
        ("136.bundle.ab.js", '__webpack_require__.p = "/";', '__webpack_require__.p = "/ohif/";'),
        ("google.js", 'x = "/";', 'x = "/";'),
        (
            "app.bundle.ab.js",
            "__webpack_require__.p = \"/\"; f('/dicom-microscopy-viewer/a.js')",
            "__webpack_require__.p = \"/ohif/\"; f('/ohif/dicom-microscopy-viewer/a.js')",
        ),
    ],
)
def test_paths_of_files_move_below_the_base(name: str, text: str, expected: str) -> None:
    assert rewritten(name, text) == expected


@pytest.mark.parametrize("name", ["index.html", "manifest.json", "app.bundle.ab.js"])
def test_release_that_has_its_paths_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(NothingToRewrite, match=name):
        rewritten(name, "nothing of the kind")


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("app.bundle.ab.js", True),
        ("0ddf166f7a343eda.wasm", True),
        ("assets/favicon.ico", True),
        ("dicom-microscopy-viewer/dicomMicroscopyViewer.min.js", True),
        ("ort/model.onnx", False),
        ("app.bundle.ab.js.map", False),
        ("dicom-microscopy-viewer/a.min.js.map", False),
        ("sw.js", False),
        ("init-service-worker.js", False),
        ("silent-refresh.html", False),
        ("app-config.js", False),
    ],
)
def test_what_nothing_asks_for_stays_behind(name: str, needed: bool) -> None:
    assert is_needed(name) is needed
