"""The answer to a STOW-RS request: the Store Instances Response Module (PS3.18 I.2) and its HTTP status. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from radstream.contract.errors import answer_to, dimse_status
from radstream.contract.events import InstanceStored
from radstream.contract.uids import Uid
from services.ingest.file import Outcome
from services.ingest.identity import Reference

Json = dict[str, Any]

RETRIEVE_URL: Final = "00081190"


@dataclass(frozen=True)
class Links:
    """Makes the Retrieve URLs (PS3.18 10.4.1).

    Parameters
    ----------
    base : str
        URL of the DICOMweb root as the client sees it, without a slash at its end.
    """

    base: str

    def study(self, study_instance_uid: Uid) -> str:
        """Return the URL of a study."""
        return f"{self.base}/studies/{study_instance_uid}"

    def instance(self, event: InstanceStored) -> str:
        """Return the URL of an instance."""
        series = f"{self.study(event.study_instance_uid)}/series/{event.series_instance_uid}"
        return f"{series}/instances/{event.sop_instance_uid}"


def http_status(outcomes: Sequence[Outcome]) -> int:
    """Return the status of the whole request (PS3.18 10.5.3 and table 10.5.3-1).

    Returns
    -------
    int
        200 if everything was stored, 202 if something was or there is a warning, 409 if nothing was by the sender's
        fault, 507 if the store is full, 503 if it does not answer (either may succeed later), 500 if the fault is ours.
    """
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        return 202 if any(outcome.warning for outcome in outcomes) else 200
    if len(errors) < len(outcomes):
        return 202
    statuses = {answer_to(error).http_status for error in errors}
    return next((status for status in (507, 503, 500) if status in statuses), 409)


def response_module(outcomes: Sequence[Outcome], links: Links) -> Json:
    """Return the Store Instances Response Module as DICOM JSON (PS3.18 I.2 and F).

    A sequence without items is absent. An instance whose UIDs are unknown can only be counted: it is an item of the
    Other Failures Sequence (0008,119A).
    """
    stored = [(outcome.accepted.event, outcome.warning) for outcome in outcomes if outcome.accepted is not None]
    failed = [(outcome.reference, outcome.error) for outcome in outcomes if outcome.error is not None]
    studies = {event.study_instance_uid for event, _ in stored}
    module = _sequence("00081198", [_failure(error, reference) for reference, error in failed if reference is not None])
    module |= _sequence("00081199", [_success(event, warning, links) for event, warning in stored])
    module |= _sequence("0008119A", [_failure(error) for reference, error in failed if reference is None])
    if len(studies) == 1:
        module |= _element(RETRIEVE_URL, "UR", links.study(studies.pop()))
    return module


def _success(event: InstanceStored, warning: int, links: Links) -> Json:
    item = _reference(event.sop_class_uid, event.sop_instance_uid) | _element(RETRIEVE_URL, "UR", links.instance(event))
    return item | _element("00081196", "US", warning) if warning else item


def _failure(error: Exception, reference: Reference | None = None) -> Json:
    reason = _element("00081197", "US", dimse_status(error))
    return _reference(reference.sop_class_uid, reference.sop_instance_uid) | reason if reference else reason


def _reference(sop_class_uid: Uid, sop_instance_uid: Uid) -> Json:
    return _element("00081150", "UI", sop_class_uid) | _element("00081155", "UI", sop_instance_uid)


def _element(tag: str, vr: str, value: str | int) -> Json:
    return {tag: {"vr": vr, "Value": [value]}}


def _sequence(tag: str, items: list[Json]) -> Json:
    return {tag: {"vr": "SQ", "Value": items}} if items else {}
