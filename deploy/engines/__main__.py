"""``python -m deploy.engines install|start|stop|status``: real engines on this machine, without docker, on loopback.

``start`` prints the settings that stand Radstream on them; the one of the blob store holds the key that it made.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from deploy.engines.child import running_below
from deploy.engines.engine import Engine, EngineMissing
from deploy.engines.kafka import Kafka
from deploy.engines.mongod import Mongod
from deploy.engines.seaweedfs import SeaweedFs

FOLDER: Final = Path(__file__).parents[2] / "build" / "engines"
PORTS_FROM: Final = 29000
_PORTS_EACH: Final = 20

Make = Callable[[Path, Path, int], Engine]
ENGINES: Final[dict[str, Make]] = {
    "kafka": Kafka,
    "seaweedfs": SeaweedFs,
    "mongod": Mongod,
    "kafka-3": lambda programs, data, port: Kafka(programs, data, port, brokers=3),
}
USUAL: Final = ("kafka", "seaweedfs", "mongod")
SETTINGS: Final = {"kafka": "BUS", "kafka-3": "BUS", "seaweedfs": "BLOBS", "mongod": "CATALOG"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; 1 if an engine cannot be had here, or does not run when asked for its status."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it complains of each broker that is not ready yet
    options = _parser().parse_intermixed_args(arguments)
    folder, act = options.folder.resolve(), COMMANDS[options.command]
    is_well = True
    for name in options.engines or USUAL:
        data = folder / "data" / name
        port = options.ports_from + _PORTS_EACH * list(ENGINES).index(name)
        try:
            is_well &= act(name, ENGINES[name](folder, data, port), data)
        except EngineMissing as missing:
            print(f"{name} is MISSING: {missing}", file=sys.stderr)
            is_well = False
    return 0 if is_well else 1


def _install(name: str, engine: Engine, _data: Path) -> bool:
    engine.install()
    print(f"{name} is installed", file=sys.stderr)
    return True


def _start(name: str, engine: Engine, _data: Path) -> bool:
    engine.install()
    engine.start()
    print(f"RADSTREAM_{SETTINGS[name]}_URL={engine.url}")
    if isinstance(engine, SeaweedFs):
        print(f"RADSTREAM_PREVIEWS_URL={engine.bucket_url('radstream-previews')}")
    return True


def _stop(name: str, engine: Engine, _data: Path) -> bool:
    engine.stop()
    print(f"{name} is stopped", file=sys.stderr)
    return True


def _status(name: str, _engine: Engine, data: Path) -> bool:
    ids = " ".join(map(str, running_below(data)))
    print(f"{name} runs as {ids}" if ids else f"{name} does not run")
    return bool(ids)


COMMANDS: Final = {"install": _install, "start": _start, "stop": _stop, "status": _status}


def _known(name: str) -> str:
    if name not in ENGINES:
        raise argparse.ArgumentTypeError(f"no engine {name}; there are {', '.join(ENGINES)}")
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.engines", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    which = f"of {', '.join(ENGINES)}; by default {', '.join(USUAL)}"
    parser.add_argument("engines", nargs="*", metavar="ENGINE", type=_known, help=which)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the programs and, in `data`, of what they keep")
    parser.add_argument("--ports-from", type=int, default=PORTS_FROM, help=f"each takes up to {_PORTS_EACH} ports")
    return parser


if __name__ == "__main__":
    sys.exit(main())
