"""Apache Kafka: one broker (KRaft) on loopback, its data in a folder. Its jars come by Maven, by their names."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.engines.child import Child
from deploy.engines.engine import EngineMissing

VERSION: Final = "4.3.1"
_BINDING: Final = "2.25.4"
_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"
_CLUSTER_ID: Final = "MkU3OEVBNTcwNTJENDM2Qk"
_READY_AFTER_S: Final = 60

_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>radstream</groupId><artifactId>engines</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>{_BINDING}</version></dependency>
  </dependencies>
</project>
"""

_PROPERTIES: Final = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}/log
auto.create.topics.enable=false
num.partitions=3
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
message.max.bytes=2097152
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=4194304
log.segment.bytes=67108864
"""

_LOGGING: Final = """rootLogger.level=INFO
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
"""


class Kafka:
    """One broker that is its own controller.

    Parameters
    ----------
    programs : Path
        Where the engines are installed.
    data : Path
        Its data and its log.
    port : int
        Of the broker; the next one is the controller's.
    """

    name = "kafka"

    def __init__(self, programs: Path, data: Path, port: int = 9092) -> None:
        self._jars = programs / "kafka"
        self._data = data
        self._port = port
        self._child = Child(self._java("kafka.Kafka", str(data / "server.properties")), data)

    def install(self) -> None:
        """Fetch the jars, unless they are there in this version.

        Raises
        ------
        EngineMissing
            If Java or Maven is not here, or the jars cannot be had.
        """
        mark = self._jars / f"installed-{VERSION}"
        if mark.exists():
            return
        for program in ("java", "mvn"):
            if shutil.which(program) is None:
                raise EngineMissing(f"Kafka needs {program}, which is not installed")
        self._jars.mkdir(parents=True, exist_ok=True)
        (self._jars / "pom.xml").write_text(_POM)
        copy = [f"{_PLUGIN}:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={self._jars}"]
        command = ["mvn", "-q", "-B", "-f", str(self._jars / "pom.xml"), *copy]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        if outcome.returncode != 0:
            raise EngineMissing(f"Kafka's jars cannot be had: {(outcome.stdout + outcome.stderr).strip()[-500:]}")
        mark.touch()

    def start(self) -> None:
        """Return when the broker answers; at the first start its storage is formatted.

        Raises
        ------
        EngineMissing
            If it cannot run here.
        """
        self._data.mkdir(parents=True, exist_ok=True)
        properties = self._data / "server.properties"
        properties.write_text(_PROPERTIES.format(port=self._port, controller=self._port + 1, data=self._data))
        (self._data / "log4j2.properties").write_text(_LOGGING)
        if not (self._data / "log" / "meta.properties").exists():
            self._format(properties)
        self._child.start(self._is_ready, _READY_AFTER_S)

    def stop(self) -> None:
        """Stop the broker in peace."""
        self._child.stop()

    def kill(self) -> None:
        """Kill the broker (``kill -9``)."""
        self._child.kill()

    @property
    def url(self) -> str:
        """The URL of the log."""
        return f"kafka://127.0.0.1:{self._port}"

    def _format(self, properties: Path) -> None:
        command = self._java("kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(properties))
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        if outcome.returncode != 0:
            raise EngineMissing(f"Kafka cannot format its storage: {outcome.stderr.strip()[-500:]}")

    def _java(self, main: str, *arguments: str) -> list[str]:
        # The serial collector and the first compiler alone: it starts twice as fast, in half the memory.
        options = ["-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        logging = f"-Dlog4j2.configurationFile=file:{self._data / 'log4j2.properties'}"
        return ["java", *options, "-cp", f"{self._jars}/*", logging, main, *arguments]

    def _is_ready(self) -> bool:
        with ThreadPoolExecutor(1) as aside:  # the caller may have a running loop of its own
            return aside.submit(asyncio.run, _answers(f"127.0.0.1:{self._port}")).result()


async def _answers(server: str) -> bool:
    """Tell whether a broker knows its cluster."""
    client = AIOKafkaAdminClient(bootstrap_servers=server, request_timeout_ms=2000)
    try:
        await client.start()
        return len((await client.describe_cluster())["brokers"]) == 1
    except (KafkaError, OSError):
        return False
    finally:
        await client.close()
