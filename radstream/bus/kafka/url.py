"""What the URL of a log on Kafka says: ``kafka://host:port,host:port/prefix?instance_id=index-0``."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl

from radstream.bus.kafka.bus import MOST_PARTITIONS, REPLICAS, KafkaBus
from radstream.contract.errors import UnsafeConfiguration

_FORM: Final = "kafka://host:port,host:port/prefix?instance_id=name&replicas=3&most_partitions=64"
_SERVER: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([1-9][0-9]{0,4})")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{0,100}")  # of topics and groups; at most 249 characters with what follows
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}")
_OPTIONS: Final = frozenset({"instance_id", "replicas", "most_partitions"})


def open_log(url: str) -> KafkaBus:
    """Return the log at `url`; its options are the parameters of `KafkaBus`.

    Raises
    ------
    UnsafeConfiguration
        If the URL is not of that form.
    """
    address, _, query = url.removeprefix("kafka://").partition("?")
    hosts, _, prefix = address.partition("/")
    servers = hosts.split(",")
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    instance_id = options.get("instance_id", "")
    numbers = [options.get("replicas", str(REPLICAS)), options.get("most_partitions", str(MOST_PARTITIONS))]
    is_of_the_form = (
        all(map(_is_server, servers))
        and all(map(_NAME.fullmatch, (prefix, instance_id)))
        and all(map(_NUMBER.fullmatch, numbers))
        and options.keys() <= _OPTIONS
        and len(pairs) == len(options)
    )
    if not is_of_the_form:
        raise UnsafeConfiguration(f"the URL of a log has the form {_FORM}")
    replicas, most_partitions = map(int, numbers)
    return KafkaBus(servers, most_partitions=most_partitions, replicas=replicas, prefix=prefix, instance_id=instance_id)


def _is_server(text: str) -> bool:
    found = _SERVER.fullmatch(text)
    return found is not None and int(found[1]) <= 65535
