"""The log of a cluster, on Apache Kafka; `bus` is what the rest of the house sees."""

from radstream.bus.kafka.bus import KafkaBus

__all__ = ["KafkaBus"]
