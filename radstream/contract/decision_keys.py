"""Where decisions lie that no image holds: small immutable records in the bucket of the instances (docs/adr/0011).

::

    {site}/decisions/{study}/decided.json                                    there is a decision of this study
    {site}/decisions/{study}/deleted/{series|all}/{instance|all}/{id}.json   it is deleted, or a part of it
    {site}/decisions/{study}/stored-again/{series}/{instance}/{sha256}/{id}.json   these bytes came back after that

The time of a record is when it was stored, as that of an instance is: one clock orders arrivals and decisions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from radstream.contract.blob_keys import (
    InstanceKey,
    instances_prefix,
    pending_prefix,
    previews_prefix,
    transcoded_prefix,
)
from radstream.contract.errors import MalformedEvent
from radstream.contract.uids import Uid

_ALL: Final = "all"
_UID: Final = r"[0-9.]{1,64}"
_DELETION = re.compile(
    rf"([a-z0-9-]+)/decisions/({_UID})/deleted/(?:({_UID})/({_UID})|({_UID})/all|all/all)/[0-9a-f]{{32}}\.json"
)


@dataclass(frozen=True)
class Target:
    """What a decision is about: a study, a series of it or an instance of that; the levels below are None."""

    site: str
    study_instance_uid: Uid
    series_instance_uid: Uid | None = None
    sop_instance_uid: Uid | None = None

    def holds(self, key: InstanceKey) -> bool:
        """Tell whether the instance under `key` is the target, or a part of it."""
        return f"{key}".startswith(self.instances_prefix)

    @property
    def instances_prefix(self) -> str:
        """Prefix of the blob keys of its instances."""
        return f"{instances_prefix(self.site)}{self._path}"

    @property
    def cache_prefixes(self) -> tuple[str, ...]:
        """Prefixes (in the cache bucket) of what was made of its instances."""
        return tuple(f"{prefix(self.site)}{self._path}" for prefix in (previews_prefix, transcoded_prefix))

    @property
    def returns_prefix(self) -> str:
        """Prefix of the records that its instances were stored again."""
        return f"{decisions_prefix(self.site)}{self.study_instance_uid}/stored-again/{self._below}"

    @property
    def _path(self) -> str:
        return f"{self.study_instance_uid}/{self._below}"

    @property
    def _below(self) -> str:
        return "".join(f"{uid}/" for uid in (self.series_instance_uid, self.sop_instance_uid) if uid)


def target_of(key: InstanceKey) -> Target:
    """Return the instance under `key` as target."""
    return Target(key.site, key.study_instance_uid, key.series_instance_uid, key.sop_instance_uid)


def decisions_prefix(site: str) -> str:
    """Return the prefix of all decisions of a site."""
    return f"{site}/decisions/"


def decided_key(site: str, study_instance_uid: Uid) -> str:
    """Return the key of the record that there are decisions of a study: one look tells, where there are none."""
    return f"{decisions_prefix(site)}{study_instance_uid}/decided.json"


def deletions_prefix(site: str, study_instance_uid: Uid) -> str:
    """Return the prefix of the deletions of a study and of its parts."""
    return f"{decisions_prefix(site)}{study_instance_uid}/deleted/"


def deletion_key(target: Target, decision_id: str) -> str:
    """Return the key of the record that `target` is deleted."""
    parts = f"{target.series_instance_uid or _ALL}/{target.sop_instance_uid or _ALL}"
    return f"{deletions_prefix(target.site, target.study_instance_uid)}{parts}/{decision_id}.json"


def parse_deletion_key(key: str) -> Target:
    """Return what the record under `key` says is deleted.

    Raises
    ------
    MalformedEvent
        If `key` is not that of a deletion.
    """
    match = _DELETION.fullmatch(key)
    if match is None:
        raise MalformedEvent("not the key of a deletion")
    site, study, series, instance, whole_series = match.groups()
    of_series = series or whole_series
    return Target(site, Uid(study), Uid(of_series) if of_series else None, Uid(instance) if instance else None)


def return_prefix(instance: InstanceKey) -> str:
    """Return the prefix of the records that exactly these bytes were stored again."""
    return f"{target_of(instance).returns_prefix}{instance.sha256}/"


def return_key(instance: InstanceKey, decision_id: str) -> str:
    """Return the key of the record that exactly these bytes were stored again after they were deleted."""
    return f"{return_prefix(instance)}{decision_id}.json"


def pending_deletion_prefix(site: str) -> str:
    """Return the prefix of the markers that stand in for the events of deletions while the log is away."""
    return f"{pending_prefix(site)}deletions/"


def purging_key(site: str) -> str:
    """Return the key of the blob that is there while deleted instances are being purged."""
    return f"{site}/purging/now.json"
