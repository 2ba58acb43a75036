"""What an archive computes of a series and a study (PS3.18 tables 10.6.3-3 and -4). Pure.

Counts are taken from what is in the catalog, never added up from events: an event may come twice, late, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.index.document import Document

FACTS = ("series_key", "order", "stored_at", "SOPClassUID")
"""Fields of the instance documents from which a series is tallied."""

SERIES_FIELDS = ("order", "Modality", "SOPClassesInSeries", "last_stored_at", "NumberOfSeriesRelatedInstances")
STUDY_FIELDS = (
    "order",
    "patient_key",
    "site",
    "is_complete",
    "is_urgent",
    "last_indexed_at",
    "last_stored_at",
    "ModalitiesInStudy",
    "SOPClassesInStudy",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)


@dataclass(frozen=True)
class SeriesTally:
    """What is computed of a series, with what its study needs to know of it.

    Parameters
    ----------
    order : str
        Of its earliest instance.
    """

    order: str
    modality: str | None
    sop_classes: frozenset[str]
    last_stored_at: str
    number_of_instances: int

    @property
    def fields(self) -> Document:
        """The computed fields of the series document."""
        return {
            "SOPClassesInSeries": sorted(self.sop_classes),
            "NumberOfSeriesRelatedInstances": self.number_of_instances,
            "last_stored_at": self.last_stored_at,
        }


def tally_of_row(row: Document) -> SeriesTally:
    """Return what the catalog says of a series."""
    return SeriesTally(
        order=row["order"],
        modality=row["Modality"],
        sop_classes=frozenset(row["SOPClassesInSeries"]),
        last_stored_at=row["last_stored_at"] or "",
        number_of_instances=row["NumberOfSeriesRelatedInstances"] or 0,
    )


def grown(row: Document, number_of_instances: int, arrived: Iterable[Document]) -> SeriesTally:
    """Return the tally of a series to which the instance documents `arrived` were added, and nothing taken away."""
    before, arrived = tally_of_row(row), list(arrived)
    return SeriesTally(
        order=before.order,
        modality=before.modality,
        sop_classes=before.sop_classes | {instance["SOPClassUID"] for instance in arrived},
        last_stored_at=max([before.last_stored_at, *(instance["stored_at"] for instance in arrived)]),
        number_of_instances=number_of_instances,
    )


def tally_of_facts(facts: Sequence[Document], modality: str | None) -> SeriesTally:
    """Return the tally of a series from `FACTS` of all its instances, of which there must be one."""
    return SeriesTally(
        order=min(fact["order"] for fact in facts),
        modality=modality,
        sop_classes=frozenset(fact["SOPClassUID"] for fact in facts),
        last_stored_at=max(fact["stored_at"] for fact in facts),
        number_of_instances=len(facts),
    )


def study_fields(series: Sequence[SeriesTally]) -> Document:
    """Return the computed fields of a study document from all its series, of which there must be one."""
    return {
        "ModalitiesInStudy": sorted({tally.modality for tally in series if tally.modality}),
        "SOPClassesInStudy": sorted(frozenset[str]().union(*(tally.sop_classes for tally in series))),
        "NumberOfStudyRelatedSeries": len(series),
        "NumberOfStudyRelatedInstances": sum(tally.number_of_instances for tally in series),
        "last_stored_at": max(tally.last_stored_at for tally in series),
    }


def differs(before: Document | None, computed: dict[str, Any]) -> bool:
    """Tell whether a study has other contents than the catalog said until now."""
    return before is None or any(before[name] != value for name, value in computed.items())
