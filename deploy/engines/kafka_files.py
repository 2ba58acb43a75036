"""The files that Kafka is installed and configured by. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Final

VERSION: Final = "4.3.1"
CLUSTER_ID: Final = "MkU3OEVBNTcwNTJENDM2Qk"
COPY_JARS: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

# The server logs through slf4j 1.7 and comes without a binding: alone it would say nothing.
POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>radstream</groupId><artifactId>engines</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version>
    </dependency>
  </dependencies>
</project>
"""

LOGGING: Final = """rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
"""


def server_properties(number: int, ports: list[tuple[int, int]], data: Path) -> str:
    """Return the settings of a node that is broker and controller at once.

    Parameters
    ----------
    number : int
        Of the node, from 1.
    ports : list of (int, int)
        Of each node of the cluster: its broker's and its controller's.
    data : Path
        The node's folder.
    """
    port, controller = ports[number - 1]
    voters = ",".join(f"{index}@127.0.0.1:{each}" for index, (_, each) in enumerate(ports, 1))
    replicas, in_sync = len(ports), max(1, len(ports) - 1)
    internal = "".join(
        f"{topic}.replication.factor={replicas}\n{topic}.min.isr={in_sync}\n{topic}.num.partitions=4\n"
        for topic in ("transaction.state.log", "share.coordinator.state.topic")
    )
    return f"""process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}/log
auto.create.topics.enable=false
num.partitions=3
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=4
{internal}group.initial.rebalance.delay.ms=0
# A broker that comes back after kill -9 is refused until its old session ends: 9 s unless told.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
initial.broker.registration.timeout.ms=60000
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
# 128 MiB of heap unless told.
log.cleaner.dedupe.buffer.size=4194304
log.segment.bytes=67108864
"""
