"""Series, studies and patients made to agree with the instances that the catalog shows.

What the catalog says of them is a function of the instances alone, so that any order, any repetition and any crash in
between ends in the same documents:

- a series, study or patient has the attributes of its earliest instance (the smallest `order`);
- counts and lists are those of the instances that are there;
- what has no instance is not there.

Usually a batch only adds instances, and a count and a comparison do. Where a version displaces another one the series
on both sides are looked at instance by instance (`exact`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from radstream.catalog.filters import And, Equals, In, Not
from radstream.catalog.port import Catalog, Delete, Operation, Put, PutEarliest, Set
from radstream.contract.blob_keys import parse_instance_key
from radstream.contract.errors import Unavailable
from radstream.contract.events import StudyReopened, new_event_id, to_timestamp
from radstream.contract.uids import Uid
from radstream.dicom.searchable import Searchable
from services.index.document import Document, Parents, decode, parents_of, patient_in, unpack
from services.index.tally import (
    FACTS,
    SERIES_FIELDS,
    STUDY_FIELDS,
    SeriesTally,
    differs,
    grown,
    study_fields,
    tally_of_facts,
    tally_of_row,
)

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Touched:
    """What a batch may have changed.

    Parameters
    ----------
    series_keys : frozenset of str
    exact : frozenset of str
        Those of `series_keys` that may have lost an instance.
    shown : sequence of Document
        Instance documents of the batch that are visible now.
    parents : sequence of Parents
        Those that the batch brought along, to save reading them from the catalog.
    studies : frozenset of str
        Those that may have lost series which are not among `series_keys` any more.
    urgent : frozenset of str
        Studies of which an instance came as urgent.
    """

    series_keys: frozenset[str]
    exact: frozenset[str] = frozenset()
    shown: Sequence[Document] = ()
    parents: Sequence[Parents] = ()
    studies: frozenset[str] = frozenset()
    urgent: frozenset[str] = frozenset()

    @property
    def study_instance_uids(self) -> list[str]:
        """The studies that may have changed."""
        return sorted({key.partition("/")[0] for key in self.series_keys} | self.studies)


@dataclass(frozen=True)
class Moved:
    """A study that changes its patient, or no longer gives its patient the attributes.

    Parameters
    ----------
    patient_keys : tuple of str
        Of before and after.
    parents : Parents or None
        The study's after; None if it is gone.
    """

    study_instance_uid: str
    patient_keys: tuple[str, ...]
    parents: Parents | None
    operations: tuple[Operation, ...]


@dataclass
class Plan:
    """What makes the catalog agree.

    Attributes
    ----------
    operations : list of Operation
    moved : list of Moved
        Studies whose patient has to be found anew; carried out after `operations`.
    reopened : list of StudyReopened
        To be announced before.
    """

    operations: list[Operation] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    reopened: list[StudyReopened] = field(default_factory=list)


class _Stale(Unavailable):
    """The earliest instance of a series or study is not the one that the catalog names."""


class Settler:
    """Plans and makes the changes; holds nothing but the catalog, the clock and the settings of documents."""

    def __init__(self, catalog: Catalog, now: Clock, searchable: Sequence[Searchable]) -> None:
        self._catalog = catalog
        self._now = now
        self._searchable = searchable

    async def plan(self, touched: Touched) -> Plan:
        """Return what makes the catalog agree with the instances that are in it.

        Raises
        ------
        Unavailable
            If the catalog does not answer, or was changed by somebody else in between: try again.
        """
        try:
            return await self._plan(touched)
        except _Stale:
            # A batch that was never finished left a series with the attributes of an instance that is not shown.
            return await self._plan(await self._all_exact(touched))

    async def _plan(self, touched: Touched) -> Plan:
        study_uids = touched.study_instance_uids
        rows = await self._rows("series", In("StudyInstanceUID", study_uids), SERIES_FIELDS)
        tallies = {key: tally_of_row(row) for key, row in rows.items()}
        plan = Plan()
        for key in sorted(touched.series_keys):
            tally = await self._settle_series(key, rows.get(key), touched, plan)
            tallies.pop(key, None)
            tallies |= {key: tally} if tally is not None else {}
        studies = await self._rows("studies", In("_id", study_uids), STUDY_FIELDS)
        for uid in study_uids:
            series = [tally for key, tally in tallies.items() if key.partition("/")[0] == uid]
            await self._settle_study(uid, studies.get(uid), series, touched, plan)
        return plan

    async def _all_exact(self, touched: Touched) -> Touched:
        """Return `touched` with every series of its studies, to be looked at instance by instance."""
        rows = await self._rows("series", In("StudyInstanceUID", touched.study_instance_uids), ())
        keys = touched.series_keys | rows.keys()
        return replace(touched, series_keys=keys, exact=keys)

    async def carry_out(self, plan: Plan) -> None:
        """Make the changes; all are durable on return.

        A study is written after its patient: if this ends half-way, the study still tells what has to be done.
        """
        if plan.operations:
            await self._catalog.apply(plan.operations)
        for moved in plan.moved:
            patients = [await self._patient(key, moved) for key in dict.fromkeys(moved.patient_keys)]
            await self._catalog.apply([*patients, *moved.operations])

    async def _settle_series(self, key: str, row: Document | None, touched: Touched, plan: Plan) -> SeriesTally | None:
        if row is None or key in touched.exact:
            return await self._settle_exactly(key, row, touched, plan)
        number = await self._catalog.count("instances", Equals("series_key", key))
        tally = grown(row, number, (instance for instance in touched.shown if instance["series_key"] == key))
        plan.operations.append(Set("series", key, tally.fields))
        return tally

    async def _settle_exactly(self, key: str, row: Document | None, touched: Touched, plan: Plan) -> SeriesTally | None:
        facts = await self._catalog.find("instances", Equals("series_key", key), fields=FACTS)
        if not facts:
            plan.operations.append(Delete("series", key))
            return None
        tally = tally_of_facts(facts, None if row is None else row["Modality"])
        if row is not None and row["order"] == tally.order:
            plan.operations.append(Set("series", key, tally.fields))
            return tally
        series = (await self._parents(tally.order, touched.parents)).series
        plan.operations.append(Put("series", key, series | tally.fields))
        return tally_of_facts(facts, series["Modality"])

    async def _settle_study(
        self, uid: str, before: Document | None, series: Sequence[SeriesTally], touched: Touched, plan: Plan
    ) -> None:
        if not series:
            if before is not None:
                removed = Put("removals", uid, {"removed_at": to_timestamp(self._now())})
                plan.moved.append(Moved(uid, (before["patient_key"],), None, (removed, Delete("studies", uid))))
            return
        computed = study_fields(series)
        if before is not None and before["is_complete"] and differs(before, computed):
            plan.reopened.append(self._reopened(uid, before["site"], computed))
        state = computed | self._progress(before, computed) | _urgency(uid, before, touched)
        order = min(tally.order for tally in series)
        if before is not None and before["order"] == order:
            plan.operations.append(Set("studies", uid, state))
        else:
            _replace_study(uid, before, await self._parents(order, touched.parents), state, plan)

    def _progress(self, before: Document | None, computed: Document) -> Document:
        """Return the fields that say whether the study is at rest."""
        if before is not None and not differs(before, computed):
            return {name: before[name] for name in ("is_complete", "last_indexed_at")}
        return {"is_complete": 0, "last_indexed_at": to_timestamp(self._now())}

    def _reopened(self, uid: str, site: str, computed: Document) -> StudyReopened:
        return StudyReopened(
            event_id=new_event_id(),
            occurred_at=to_timestamp(self._now()),
            site=site,
            study_instance_uid=Uid(uid),
            number_of_series=computed["NumberOfStudyRelatedSeries"],
            number_of_instances=computed["NumberOfStudyRelatedInstances"],
        )

    async def _patient(self, key: str, moved: Moved) -> Operation:
        """Return what makes a patient agree with the studies there will be when `moved` is carried out."""
        others = And([Equals("patient_key", key), Not(Equals("_id", moved.study_instance_uid))])
        rows = await self._catalog.find("studies", others, fields=("order", "attributes"), sort=("order",), limit=1)
        own = moved.parents if moved.parents is not None and moved.parents.patient_key == key else None
        if own is not None and all(own.order < row["order"] for row in rows):
            return Put("patients", key, own.patient)
        if rows:
            return Put("patients", key, patient_in(decode(rows[0]["attributes"]), rows[0]["order"]))
        return Delete("patients", key)

    async def _parents(self, order: str, at_hand: Iterable[Parents]) -> Parents:
        """Return the documents made from the instance with `order`: those of the batch, or from the catalog."""
        for parents in at_hand:
            if parents.order == order:
                return parents
        key = parse_instance_key(order.partition(" ")[2])
        rows = await self._rows("instances", Equals("_id", key.sop_instance_uid), ("order", "metadata"))
        row = rows.get(key.sop_instance_uid)
        if row is None or row["order"] != order:
            raise _Stale("the catalog was changed by another process meanwhile")
        return parents_of(unpack(row["metadata"]), key, order, self._searchable)

    async def _rows(self, collection: str, where: Any, fields: Sequence[str]) -> dict[str, Document]:
        return {row["_id"]: row for row in await self._catalog.find(collection, where, fields=fields)}


def _urgency(uid: str, before: Document | None, touched: Touched) -> Document:
    """Return that the study is urgent, if it is: once said, it stays so."""
    is_urgent = uid in touched.urgent or (before is not None and before["is_urgent"] == 1)
    return {"is_urgent": 1} if is_urgent else {}


def _replace_study(uid: str, before: Document | None, parents: Parents, state: Document, plan: Plan) -> None:
    """Add to `plan` that the study has other attributes than `before`, those of `parents`."""
    is_earlier = before is None or parents.order < before["order"]
    if is_earlier and (before is None or parents.patient_key == before["patient_key"]):
        # Commutes with what other processes do at the same time.
        plan.operations.append(PutEarliest("patients", parents.patient_key, parents.patient))
        plan.operations.append(PutEarliest("studies", uid, parents.study))
        plan.operations.append(Set("studies", uid, state))
    else:
        keys = (*((before["patient_key"],) if before is not None else ()), parents.patient_key)
        plan.moved.append(Moved(uid, keys, parents, (Put("studies", uid, parents.study | state),)))
