"""What a radiologist does in OHIF: list, filter, open, scroll, measure, and save the measurement."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote

import pytest

from tests.browser import Browser
from tests.ohif.ct_series import PATIENT, SLICES, STUDY, ct_series
from tests.part10_files import file_of, uids
from tests.stow_door import value
from tests.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TEXT = "document.body.innerText"
CANVAS_MIDDLE = (760.0, 430.0)


@pytest.fixture(scope="module", autouse=True)
def _stored(system: System) -> None:
    others = [file_of(**uids(number), PatientName=f"Other^{number}", StudyDate="20260101") for number in (9100, 9101)]
    assert system.stow(*ct_series(), *others).status_code == 200
    system.wait_until_indexed()


def test_study_list_filters_and_opens_a_study(system: System, browser: Browser) -> None:
    browser.do("goto", url=f"{system.base}/ohif/")
    browser.wait(f"{TEXT}.includes('Other') && {TEXT}.includes('Scroll')")
    browser.do("click", selector="text=Confirm and hide")
    browser.do("fill", selector="input >> nth=0", text="scroll")
    browser.wait(f"!{TEXT}.includes('Other') && {TEXT}.includes('Scroll')")
    browser.do("double_click", selector=f"text={PATIENT.partition('^')[0]}")
    browser.wait_for_picture(120)
    assert STUDY in browser.do("evaluate", script="location.href")
    assert browser.failures() == []


def test_filters_in_the_url_are_asked_of_the_archive(system: System, browser: Browser) -> None:
    browser.do("goto", url=f"{system.base}/ohif?patientName=scroll")
    browser.wait(f"{TEXT}.includes('Scroll')")
    traffic = browser.traffic()
    asked = [unquote(one["url"]) for one in traffic["requests"] if "/studies?" in one["url"]]
    assert any("PatientName=*scroll*" in url for url in asked), asked
    assert "Other" not in browser.do("evaluate", script=TEXT)


def test_every_slice_is_another_picture(system: System, browser: Browser) -> None:
    open_study(system, browser)
    pictures = [browser.picture()]
    for _ in range(SLICES - 1):
        pictures.append(scroll(browser, pictures[-1]))
    assert len({str(picture) for picture in pictures}) == SLICES
    assert browser.failures() == []


def test_measurement_is_saved_as_a_report_and_appears(system: System, browser: Browser) -> None:
    open_study(system, browser)
    browser.do("click", selector="[data-cy=MeasurementTools-split-button-primary]")
    browser.drag((600, 300), (850, 450))
    browser.do("click", selector="[data-cy=prompt-begin-tracking-yes-btn]")
    browser.wait(f"/[0-9.]+ mm/.test({TEXT})")
    shown = float(browser.do("evaluate", script=f"{TEXT}.match(/([0-9.]+) mm/)[1]"))
    browser.do("click", selector="[data-cy=trackedMeasurements-btn]")
    browser.do("click", selector="button:has-text('Create SR')")
    browser.do("click", selector="[role=dialog] button:has-text('Save')")
    report = wait_for_report(system)
    assert value(report, "00080060") == "SR"
    metadata = system.get(f"studies/{STUDY}/series/{value(report, '0020000E')}/metadata").json()[0]
    measured = [float(item["0040A300"]["Value"][0]["0040A30A"]["Value"][0]) for item in numbers_in(metadata)]
    assert any(abs(number - shown) < 0.1 for number in measured), (measured, shown)
    browser.wait(f"/\\bSR\\b/.test({TEXT})")
    assert browser.failures() == []


def open_study(system: System, browser: Browser) -> None:
    browser.do("goto", url=f"{system.base}/ohif/viewer?StudyInstanceUIDs={STUDY}")
    browser.wait_for_picture(120)
    browser.do("click", selector="text=Confirm and hide")


def scroll(browser: Browser, before: dict[str, float] | None) -> dict[str, float] | None:
    """Turn the wheel by a slice, and return the picture as soon as it is another one."""
    browser.do("move", x=CANVAS_MIDDLE[0], y=CANVAS_MIDDLE[1])
    browser.do("wheel", by=100)
    deadline = time.monotonic() + 30
    while (picture := browser.picture()) == before:
        assert time.monotonic() < deadline, "scrolling shows the same picture"
        time.sleep(0.1)
    return picture


def wait_for_report(system: System) -> dict[str, Any]:
    """Return the report's series when the archive has it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := system.get(f"studies/{STUDY}/series?Modality=SR").json():
            return dict(found[0])
        time.sleep(0.2)
    raise AssertionError("no report has come")


def numbers_in(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the content items of a report that are numbers (PS3.3 C.17.3)."""
    children = [child for each in item.get("0040A730", {}).get("Value", []) for child in numbers_in(each)]
    return children + ([item] if "0040A300" in item else [])
