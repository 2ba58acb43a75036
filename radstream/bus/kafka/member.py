"""How a member of a consumer group talks to the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from radstream.bus.kafka.consumer import Connect

_SESSION_MS: Final = 10_000
_STATIC_SESSION_MS: Final = 45_000
"""The partitions of a member with a name of its own wait so long for its restart."""

_HEARTBEAT_MS: Final = 2_000
_REBALANCE_MS: Final = 10_000
_REQUEST_MS: Final = 20_000
"""Longer than a rebalance, whose answer comes when all members have agreed."""

_LONGEST_BATCH_MS: Final = 24 * 3600 * 1000
"""A batch waits as long as its dependencies are away; the heartbeat goes on meanwhile and tells that we live."""


def connector(servers: Sequence[str], group: str, topics: Sequence[str], instance_id: str) -> Connect:
    """Return what makes clients for one member; all names are those of the cluster."""

    def connect(listener: ConsumerRebalanceListener) -> AIOKafkaConsumer:
        client = AIOKafkaConsumer(
            bootstrap_servers=list(servers),
            group_id=group,
            group_instance_id=instance_id or None,
            client_id="radstream",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # Not the sticky one: it keeps what a member has in its class, so that members of one process mix it up.
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=_STATIC_SESSION_MS if instance_id else _SESSION_MS,
            heartbeat_interval_ms=_HEARTBEAT_MS,
            rebalance_timeout_ms=_REBALANCE_MS,
            request_timeout_ms=_REQUEST_MS,
            max_poll_interval_ms=_LONGEST_BATCH_MS,
        )
        client.subscribe(list(topics), listener=listener)
        return client

    return connect
