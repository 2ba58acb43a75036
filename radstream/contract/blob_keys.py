"""Where every blob lies. The key is the whole address: site, hierarchy and content, so a blob is never written twice.

Two buckets: the record (`instances`, `pending`, `decisions`), which everything can be rebuilt from, and the cache
(`previews`), which may be deleted at any time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from radstream.contract.errors import MalformedEvent
from radstream.contract.uids import Uid

_SITE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_INSTANCE = re.compile(r"([a-z0-9-]+)/instances/([0-9.]{1,64})/([0-9.]{1,64})/([0-9.]{1,64})/([0-9a-f]{64})\.dcm")


@dataclass(frozen=True)
class InstanceKey:
    """The parts of an instance's blob key; `str()` gives the key.

    Parameters
    ----------
    site : str
        Lower-case letters, digits and hyphens.
    study_instance_uid, series_instance_uid, sop_instance_uid : Uid
    sha256 : str
        Of the data set's bytes as received, 64 hexadecimal digits.
    """

    site: str
    study_instance_uid: Uid
    series_instance_uid: Uid
    sop_instance_uid: Uid
    sha256: str

    def __str__(self) -> str:
        uids = f"{self.study_instance_uid}/{self.series_instance_uid}/{self.sop_instance_uid}"
        return f"{self.site}/instances/{uids}/{self.sha256}.dcm"


def parse_instance_key(key: str) -> InstanceKey:
    """Return the parts of an instance's blob key.

    Raises
    ------
    MalformedEvent
        If `key` is not an instance's blob key.
    """
    match = _INSTANCE.fullmatch(key)
    if match is None:
        raise MalformedEvent("not the blob key of an instance")
    site, study, series, sop, sha256 = match.groups()
    return InstanceKey(site, Uid(study), Uid(series), Uid(sop), sha256)


def is_site(text: str) -> bool:
    """Tell whether `text` may be a site: 1 to 32 lower-case letters, digits and hyphens."""
    return _SITE.fullmatch(text) is not None


def instances_prefix(site: str) -> str:
    """Return the prefix of all instances of a site."""
    return f"{site}/instances/"


def pending_prefix(site: str) -> str:
    """Return the prefix of all pending markers of a site."""
    return f"{site}/pending/"


def pending_key(instance: InstanceKey) -> str:
    """Return the key of the marker that stands in for an instance's event while the log is away."""
    return f"{pending_prefix(instance.site)}{instance.sop_instance_uid}/{instance.sha256}.json"


def previews_prefix(site: str) -> str:
    """Return the prefix (in the cache bucket) of all previews of a site."""
    return f"{site}/previews/"


def preview_key(instance: InstanceKey) -> str:
    """Return the key (in the cache bucket) of an instance's preview, a JPEG."""
    uids = f"{instance.study_instance_uid}/{instance.series_instance_uid}/{instance.sop_instance_uid}"
    return f"{previews_prefix(instance.site)}{uids}/{instance.sha256}.jpg"


def kept_picture_key(instance: InstanceKey, name: str) -> str:
    """Return the key (in the cache bucket) of another picture of an instance, a JPEG, beside its preview.

    Parameters
    ----------
    name : str
        Its size, and which version of the rendering made it.
    """
    return f"{preview_key(instance).removesuffix('.jpg')}-{name}.jpg"


def transcoded_prefix(site: str) -> str:
    """Return the prefix (in the cache bucket) of all transcoded frames of a site."""
    return f"{site}/transcoded/"


def transcoded_key(instance: InstanceKey, encoding: str, frame_number: int) -> str:
    """Return the key (in the cache bucket) of a frame of an instance, made anew.

    Parameters
    ----------
    encoding : str
        The transfer syntax UID, and which version of us made it.
    """
    uids = f"{instance.study_instance_uid}/{instance.series_instance_uid}/{instance.sop_instance_uid}"
    return f"{transcoded_prefix(instance.site)}{uids}/{instance.sha256}/{encoding}/{frame_number}"


def arriving_prefix(site: str) -> str:
    """Return the prefix (in the cache bucket) of values that wait for the rest of their instance."""
    return f"{site}/arriving/"
