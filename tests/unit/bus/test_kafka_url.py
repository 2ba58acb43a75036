"""Which log a URL names, and what becomes of one that names none."""

from __future__ import annotations

import sys

import pytest

from radstream.backends import open_bus
from radstream.bus.kafka import KafkaBus
from radstream.contract.errors import UnsafeConfiguration


@pytest.mark.parametrize(
    "url",
    [
        "kafka://127.0.0.1:9092",
        "kafka://a.example:9092,b-1.example:9093,[::1]:9094/",
        "kafka://kafka:9092/clinic-1.",
        "kafka://kafka:9092/?instance_id=index-0",
        "kafka://kafka:9092/clinic-?replicas=1&most_partitions=4&instance_id=",
    ],
)
async def test_a_url_of_the_form_opens_a_log(url: str) -> None:
    bus = open_bus(url)
    assert isinstance(bus, KafkaBus)
    await bus.close()


@pytest.mark.parametrize(
    "url",
    [
        "kafka://",
        "kafka://kafka",
        "kafka://kafka:0",
        "kafka://kafka:65536",
        "kafka://kafka:9092,",
        "kafka://user:secret@kafka:9092",
        "kafka://kafka:9092/pre fix",
        "kafka://kafka:9092/a/b",
        "kafka://kafka:9092/?replicas=0",
        "kafka://kafka:9092/?replicas=many",
        "kafka://kafka:9092/?acks=1",
        "kafka://kafka:9092/?replicas=1&replicas=3",
        "kafka://kafka:9092/?instance_id=a/b",
    ],
)
def test_any_other_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UnsafeConfiguration, match="has the form kafka://host:port") as refused:
        open_bus(url)
    assert "secret" not in str(refused.value)


def test_a_url_of_kafka_without_its_client_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("radstream.bus.kafka")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.startswith("aiokafka.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    with pytest.raises(UnsafeConfiguration, match=r"radstream\[cluster\]"):
        open_bus("kafka://kafka:9092")
