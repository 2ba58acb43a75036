"""Apache Kafka (KRaft): one broker or several on loopback, their data in a folder. The jars come by Maven, by name."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.engines.child import Child, start_all
from deploy.engines.engine import EngineMissing
from deploy.engines.kafka_files import CLUSTER_ID, COPY_JARS, LOGGING, POM, VERSION, server_properties

_READY_AFTER_S: Final = 60
_ARCHIVED_AFTER_S: Final = 90
# The serial collector and the first compiler alone: it starts twice as fast, in half the memory.
_SMALL: Final = ("-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class _Node:
    number: int
    folder: Path
    child: Child


class Kafka:
    """A cluster whose nodes are broker and controller at once.

    Parameters
    ----------
    programs : Path
        Where the engines are installed.
    data : Path
        A folder for each node's data and log.
    port : int
        Of the first broker; its controller's is the next one, then follow those of the other nodes.
    brokers : int
        With three, each record is kept twice before it is acknowledged.
    java_options : sequence of str
        Beside those that keep it small.
    """

    def __init__(
        self, programs: Path, data: Path, port: int = 9092, *, brokers: int = 1, java_options: Sequence[str] = ()
    ) -> None:
        self.name = "kafka" if brokers == 1 else f"kafka-{brokers}"
        self._programs = programs
        self._jars = programs / "kafka"
        self._ports = [(port + 2 * index, port + 2 * index + 1) for index in range(brokers)]
        self._java_options = java_options
        self._nodes = [self._node(number, data / f"node-{number}") for number in range(1, brokers + 1)]

    def install(self) -> None:
        """Fetch the jars and archive their classes, unless that was done in this version.

        Raises
        ------
        EngineMissing
            If Java or Maven is not here, or the jars cannot be had.
        """
        self._jars.mkdir(parents=True, exist_ok=True)
        with _alone(self._jars):
            mark = self._jars / f"installed-{VERSION}"
            if not mark.exists():
                self._fetch_jars()
                mark.touch()
            if not self._archive.exists():
                self._archive_classes()

    def start(self) -> None:
        """Return when all brokers answer; at the first start their storage is formatted.

        Raises
        ------
        EngineMissing
            If they cannot run here.
        """
        for node in self._nodes:
            self._configure(node)
        start_all([node.child for node in self._nodes], self._is_ready, _READY_AFTER_S)

    def stop(self, timeout_s: float = 20) -> None:
        """Stop all brokers in peace; the last of several finds no majority any more and is killed."""
        for node in self._nodes:
            node.child.terminate()
        for node in self._nodes:
            node.child.stop(timeout_s)

    def kill(self, *numbers: int) -> None:
        """Kill (``kill -9``) the brokers with these numbers, from 1; all if none is named."""
        for node in self._nodes:
            if not numbers or node.number in numbers:
                node.child.kill()

    @property
    def url(self) -> str:
        """The URL of the log."""
        return "kafka://" + ",".join(self.servers)

    @property
    def servers(self) -> list[str]:
        """Host and port of each broker."""
        return [f"127.0.0.1:{port}" for port, _ in self._ports]

    @property
    def pids(self) -> list[int]:
        """The ids of the brokers that run."""
        return [pid for node in self._nodes if (pid := node.child.pid) is not None]

    @property
    def _archive(self) -> Path:
        return self._jars / f"classes-{VERSION}.jsa"

    def _node(self, number: int, folder: Path) -> _Node:
        return _Node(number, folder, Child(self._java(folder, "kafka.Kafka", _properties(folder)), folder))

    def _java(self, folder: Path, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile=file:{folder / 'log4j2.properties'}"
        archive = [] if self._java_options else [f"-XX:SharedArchiveFile={self._archive}"]
        options = [*_SMALL, *archive, *self._java_options]
        return ["java", *options, "-cp", f"{self._jars}/*", logging, main, *arguments]

    def _configure(self, node: _Node) -> None:
        node.folder.mkdir(parents=True, exist_ok=True)
        Path(_properties(node.folder)).write_text(server_properties(node.number, self._ports, node.folder))
        (node.folder / "log4j2.properties").write_text(LOGGING)
        if not (node.folder / "log" / "meta.properties").exists():
            format_storage = ("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", _properties(node.folder))
            _run(self._java(node.folder, *format_storage), "Kafka cannot format its storage")

    def _fetch_jars(self) -> None:
        for program in ("java", "mvn"):
            if shutil.which(program) is None:
                raise EngineMissing(f"Kafka needs {program}, which is not installed")
        pom = self._jars / "pom.xml"
        pom.write_text(POM)
        options = ["-DincludeScope=runtime", f"-DoutputDirectory={self._jars}"]
        _run(["mvn", "-q", "-B", "-f", str(pom), COPY_JARS, *options], "Kafka's jars cannot be had")

    def _archive_classes(self) -> None:
        """Let Java keep what a first run has loaded: later ones start in a third of the time.

        Without it everything works as well, so that a failure is no reason to do without Kafka.
        """
        part = self._archive.with_suffix(".part")
        with tempfile.TemporaryDirectory(prefix="radstream-kafka-") as data:
            options = [f"-XX:ArchiveClassesAtExit={part}"]
            trial = Kafka(self._programs, Path(data), _free_pair(), java_options=options)
            trial.start()
            trial.stop(_ARCHIVED_AFTER_S)
        if part.exists():
            part.rename(self._archive)

    def _is_ready(self) -> bool:
        with ThreadPoolExecutor(1) as aside:  # the caller may have a running loop of its own
            return aside.submit(asyncio.run, _are_all_there(self.servers)).result()


def _properties(folder: Path) -> str:
    return str(folder / "server.properties")


def _run(command: list[str], complaint: str) -> None:
    try:
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise EngineMissing(f"{complaint}: {command[0]} cannot be run ({error.strerror})") from error
    if outcome.returncode != 0:
        raise EngineMissing(f"{complaint}: {(outcome.stdout + outcome.stderr).strip()[-500:]}")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from installing into `folder` meanwhile."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _free_pair() -> int:
    """Return the first of two ports in a row that nobody listens on just now."""
    for port in range(32100, 32700, 2):
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise EngineMissing("no free port for Kafka's first run")


async def _are_all_there(servers: Sequence[str]) -> bool:
    """Tell whether each of `servers` answers for itself and knows all others."""
    for server in servers:
        client = AIOKafkaAdminClient(bootstrap_servers=server, request_timeout_ms=2000)
        try:
            await client.start()
            if len((await client.describe_cluster())["brokers"]) != len(servers):
                return False
        except (KafkaError, OSError):
            return False
        finally:
            await client.close()
    return True
