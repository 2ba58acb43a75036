"""Which study, series or instance a URL means, and the catalog's documents of what it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from radstream.catalog.filters import And, Equals, Predicate
from radstream.catalog.port import Catalog, Document
from radstream.contract.documents import INSTANCES, series_key
from radstream.contract.errors import NotFound
from radstream.contract.uids import Uid
from radstream.web.paths import uids_of


@dataclass(frozen=True)
class Address:
    """A study, a series of it, or an instance of that; the levels below the wanted one are empty.

    References
    ----------
    PS3.18 10.4.1.1 Target Resources.
    """

    study_instance_uid: Uid
    series_instance_uid: Uid | None = None
    sop_instance_uid: Uid | None = None

    @property
    def where(self) -> Predicate:
        """Holds for the instances below; all levels must agree, an instance of another series is not here."""
        if self.series_instance_uid is None:
            return Equals("StudyInstanceUID", self.study_instance_uid)
        of_series = Equals("series_key", series_key(self.study_instance_uid, self.series_instance_uid))
        return of_series if self.sop_instance_uid is None else And((Equals("_id", self.sop_instance_uid), of_series))


def address_of(path_parameters: Mapping[str, str]) -> Address:
    """Return the address in the parameters ``study``, ``series`` and ``instance`` of a path; the last two may lack.

    Raises
    ------
    MalformedRequest
        If one of them is no UID.
    """
    return Address(*uids_of(path_parameters))


async def instances_at(catalog: Catalog, address: Address, fields: Sequence[str]) -> list[Document]:
    """Return the documents of all instances at `address`, by series and Instance Number.

    Raises
    ------
    NotFound
        If there is none.
    Unavailable
    """
    found = await catalog.find(INSTANCES.name, address.where, fields=fields, sort=("series_key", "InstanceNumber"))
    if not found:
        raise NotFound("no such study, series or instance is stored here")
    return found


def instance_path(document: Document) -> str:
    """Return the path of an instance below the service's root, from a document with the three UIDs."""
    return f"studies/{document['StudyInstanceUID']}/series/{document['SeriesInstanceUID']}/instances/{document['_id']}"
