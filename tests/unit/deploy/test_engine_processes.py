"""Processes of engines, found again by their id; no engine is needed for that."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from deploy.engines.__main__ import main
from deploy.engines.child import Child, running_below, start_all
from deploy.engines.engine import EngineMissing
from deploy.engines.kafka import Kafka
from deploy.engines.kafka_files import server_properties

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "pathlib.Path('deaf').touch(); time.sleep(60)",
]


def test_a_process_is_found_and_stopped_by_a_later_command(tmp_path: Path) -> None:
    first, later = (Child(SLEEP, tmp_path / "a") for _ in range(2))
    first.start(lambda: True, 5)
    pid = later.pid
    assert pid == first.pid is not None
    assert list(running_below(tmp_path)) == [pid]
    later.stop()
    assert first.pid is later.pid is None
    assert not list(running_below(tmp_path))


def test_what_runs_already_is_not_started_again(tmp_path: Path) -> None:
    child = Child(SLEEP, tmp_path)
    child.start(lambda: True, 5)
    pid = child.pid
    Child(SLEEP, tmp_path).start(lambda: True, 5)
    assert Child(SLEEP, tmp_path).pid == pid
    child.kill()


def test_a_process_that_got_the_number_of_a_dead_one_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(f"{os.getpid()} 1")
    child = Child(SLEEP, tmp_path)
    assert child.pid is None
    child.kill()


@pytest.mark.parametrize("text", ["", "17", "no number", "1 2 3"])
def test_a_damaged_file_of_an_id_is_that_of_no_process(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    assert Child(SLEEP, tmp_path).pid is None


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = Child(STUBBORN, tmp_path)
    child.start((tmp_path / "deaf").exists, 20)
    child.stop(timeout_s=0.1)
    assert child.pid is None


def test_an_engine_that_ends_is_missing_and_says_its_last_words(tmp_path: Path) -> None:
    others = Child(SLEEP, tmp_path / "others")
    dying = Child([sys.executable, "-c", "raise SystemExit('port 9092 is taken')"], tmp_path / "dying")
    with pytest.raises(EngineMissing, match="port 9092 is taken"):
        start_all([others, dying], lambda: False, 30)
    assert others.pid is None


def test_an_engine_that_does_not_become_ready_is_missing_and_gone(tmp_path: Path) -> None:
    child = Child(SLEEP, tmp_path)
    with pytest.raises(EngineMissing, match="did not become ready"):
        child.start(lambda: False, 0.2)
    assert child.pid is None


def test_a_program_that_is_not_here_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="cannot be run"):
        Child(["no-such-engine"], tmp_path).start(lambda: True, 1)


def test_a_process_outlives_the_session_that_started_it(tmp_path: Path) -> None:
    child = Child(SLEEP, tmp_path)
    child.start(lambda: True, 5)
    assert child.pid is not None
    assert os.getsid(child.pid) == child.pid
    child.stop()


def test_kafka_without_java_is_missing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match="Kafka needs java, which is not installed"):
        Kafka(tmp_path, tmp_path / "data").install()
    assert main(["install", "kafka", "--folder", str(tmp_path)]) == 1
    assert "kafka is MISSING: Kafka needs java" in capsys.readouterr().err


def test_the_status_of_what_was_never_started_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--folder", str(tmp_path), "kafka", "kafka-3"]) == 1
    assert capsys.readouterr().out == "kafka does not run\nkafka-3 does not run\n"


@pytest.mark.parametrize(("brokers", "in_sync"), [(1, 1), (3, 2)])
def test_kafka_listens_on_loopback_alone_and_keeps_each_record_on_all_brokers_but_one(
    brokers: int, in_sync: int, tmp_path: Path
) -> None:
    ports = [(9000 + number, 9100 + number) for number in range(brokers)]
    lines = server_properties(brokers, ports, tmp_path).splitlines()
    settings = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    addresses = [listener.split("//")[1] for listener in settings["listeners"].split(",")]
    assert addresses == [f"127.0.0.1:{8999 + brokers}", f"127.0.0.1:{9099 + brokers}"]
    assert settings["advertised.listeners"] == f"PLAINTEXT://127.0.0.1:{8999 + brokers}"
    assert settings["node.id"] == str(brokers)
    assert len(settings["controller.quorum.voters"].split(",")) == brokers
    assert settings["default.replication.factor"] == settings["offsets.topic.replication.factor"] == str(brokers)
    assert settings["min.insync.replicas"] == settings["transaction.state.log.min.isr"] == str(in_sync)
    assert settings["auto.create.topics.enable"] == "false"
