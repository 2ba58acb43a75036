"""The log of a cluster, on Apache Kafka; `bus` and `url` are what the rest of the house sees."""

from radstream.bus.kafka.bus import KafkaBus
from radstream.bus.kafka.url import open_log

__all__ = ["KafkaBus", "open_log"]
