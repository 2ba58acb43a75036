"""The same arrivals and deletions give the same catalog, in whatever order and how often the log tells of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radstream.bus.port import Record
from radstream.contract.errors import Unavailable
from radstream.contract.events import InstanceStored
from tests.decisions import delete, store_again
from tests.index_engines import Archive

STUDIES, SERIES, INSTANCES = ["1.2.1.1", "1.2.1.2"], ["1.2.2.1", "1.2.2.2"], ["1.2.3.1", "1.2.3.2"]

stores = st.fixed_dictionaries(
    {
        "SOPInstanceUID": st.sampled_from(INSTANCES),
        "StudyInstanceUID": st.sampled_from(STUDIES),
        "SeriesInstanceUID": st.sampled_from(SERIES),
        "PatientID": st.sampled_from(["P1", "P2"]),
    }
)
targets = st.one_of(
    st.tuples(st.sampled_from(STUDIES)),
    st.tuples(st.sampled_from(STUDIES), st.sampled_from(SERIES)),
    st.tuples(st.sampled_from(STUDIES), st.sampled_from(SERIES), st.sampled_from(INSTANCES)),
)
histories = st.lists(stores | targets, min_size=1, max_size=10)

Told = InstanceStored | Record


@dataclass
class Truth:
    """What the rules say, applied to all that happened in its order."""

    arrived: dict[str, int]

    def delete(self, uids: tuple[str, ...]) -> None:
        prefix = f"main/instances/{'/'.join(uids)}/"
        self.arrived = {key: at for key, at in self.arrived.items() if not key.startswith(prefix)}

    @property
    def shown(self) -> dict[str, str]:
        """Blob keys by SOP Instance UID: of the versions that are left, the one that arrived first."""
        by_arrival = sorted(self.arrived, key=lambda key: self.arrived[key], reverse=True)
        return {key.split("/")[4]: key for key in by_arrival}


class Run:
    """A hospital that stores and deletes while its log is worked off: late, in any order, again, with failures.

    Parameters
    ----------
    failures : list of int
        After how many operations the catalog fails, for one record after the other.
    """

    def __init__(self, failures: list[int]) -> None:
        self.archive = Archive()
        self.truth = Truth({})
        self.told: list[Told] = []
        self._failures = failures

    def live(self, number: int, step: Any) -> None:
        """Store or delete something, as the doors do it."""
        if isinstance(step, tuple):
            self.told.append(delete(self.archive, *step, after_s=number))
            self.truth.delete(step)
            return
        known = set(self.archive.blobs.contents)
        event = self.archive.store(**step, after_s=number)
        is_back = event.blob_key in known and event.blob_key not in self.truth.arrived
        self.told.append(store_again(self.archive, event, after_s=number) if is_back else event)
        self.truth.arrived.setdefault(event.blob_key, number)

    async def handle(self, told: Told) -> None:
        """Handle a record; if that fails it comes again, as the consume loop does it."""
        self.archive.catalog.fails_after = self._failures.pop() if self._failures else None
        try:
            await self._handle(told)
        except Unavailable:
            self.archive.catalog.fails_after = None
            await self._handle(told)
        self.archive.catalog.fails_after = None

    async def _handle(self, told: Told) -> None:
        if isinstance(told, Record):
            await self.archive.indexing.removal.on_study_deleted([told])
        else:
            await self.archive.index(told)


async def carry_out(history: list[Any], failures: list[int], data: st.DataObject) -> Run:
    run = Run(failures)
    late: list[Told] = []
    for number, step in enumerate(history):
        run.live(number, step)
        late.append(run.told[-1])
        for _ in range(data.draw(st.integers(0, len(late)))):
            await run.handle(late.pop(data.draw(st.integers(0, len(late) - 1))))
    again = data.draw(st.lists(st.sampled_from(run.told), max_size=3))
    for told in data.draw(st.permutations([*late, *again])):
        await run.handle(told)
    return run


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.lists(st.integers(0, 12), max_size=6), st.data())
def test_any_order_ends_in_what_is_true(history: list[Any], failures: list[int], data: st.DataObject) -> None:
    run = asyncio.run(carry_out(history, failures, data))
    found, truth = run.archive.catalog.collections, run.truth
    shown = {uid: document["blob_key"] for uid, document in found["instances"].items()}
    assert shown == truth.shown
    assert set(found["conflicts"]) == set(truth.arrived) - set(shown.values())
    assert set(found["series"]) == {"/".join(key.split("/")[2:4]) for key in shown.values()}
    assert set(found["studies"]) == {key.split("/")[2] for key in shown.values()}
    assert set(found["patients"]) == {study["patient_key"] for study in found["studies"].values()}
    for uid, study in found["studies"].items():
        assert study["NumberOfStudyRelatedInstances"] == sum(key.split("/")[2] == uid for key in shown.values())
