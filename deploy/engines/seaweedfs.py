"""SeaweedFS, an S3 server: one process on loopback, its data in a folder, each write synced to disk."""

from __future__ import annotations

import io
import json
import re
import secrets
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from deploy.engines import wheels
from deploy.engines.child import Child
from deploy.engines.engine import EngineMissing

_READY_AFTER_S = 40
_SYNC_EACH_WRITE = "lock\nfs.configure -locationPrefix=/buckets/ -fsync -apply\nunlock\n"
_ACCESS_KEY = "radstream"
_PROBED = "radstream-probed"
# What else it would open, tell or allow.
_SILENCED = (
    "-master.telemetry=false", "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
    "-s3.allowDeleteBucketNotEmpty=false", "-master.volumeSizeLimitMB=1024", "-volume.max=2000",
)  # fmt: skip
_PARTS = ("s3", "master", "volume", "filer", "admin")


class SeaweedFs:
    """An S3 server.

    Parameters
    ----------
    programs : Path
        Where the engines are installed.
    data : Path
        Its data, its log, and the key that it made for itself at the first start.
    port : int
        Of S3; the nine that follow it are taken too.
    """

    name = "seaweedfs"

    def __init__(self, programs: Path, data: Path, port: int = 8333) -> None:
        self._programs = programs / "wheels"
        self._data = data
        self._port = port
        self._child = Child(self._command(), data)

    def install(self) -> None:
        """Install the server; see `wheels.install`."""
        wheels.install(self._programs)

    def start(self) -> None:
        """Return when the server takes writes.

        Raises
        ------
        EngineMissing
            If it cannot run here.
        """
        self._data.mkdir(parents=True, exist_ok=True)
        if not self._keys.exists():
            self._make_key()
        self._child.start(self._is_ready, _READY_AFTER_S)
        self._configure()
        self._write()

    def stop(self) -> None:
        """Stop the server in peace."""
        self._child.stop()

    def kill(self) -> None:
        """Kill the server (``kill -9``)."""
        self._child.kill()

    @property
    def url(self) -> str:
        """The URL of a bucket for instances."""
        return self.bucket_url("radstream")

    def bucket_url(self, bucket: str) -> str:
        """Return the URL of any bucket."""
        keys = self._credentials()
        return f"s3://{keys['access_key']}:{keys['secret_key']}@127.0.0.1:{self._port}/{bucket}?secure=0"

    @property
    def _keys(self) -> Path:
        return self._data / "s3.json"

    @property
    def _weed(self) -> str:
        return str(self._programs / "bin" / "weed")

    def _command(self) -> list[str]:
        ports = [
            f"-{part}.port{suffix}={self._port + 2 * index + offset}"
            for index, part in enumerate(_PARTS)
            for offset, suffix in enumerate(("", ".grpc"))
        ]
        where = [f"-dir={self._data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.config={self._keys}"]
        return [self._weed, "-logtostderr=true", "mini", *where, *_SILENCED, *ports]

    def _make_key(self) -> None:
        keys = {"accessKey": _ACCESS_KEY, "secretKey": secrets.token_urlsafe(24)}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "radstream", "credentials": [keys], "actions": actions}
        self._keys.touch(mode=0o600)
        self._keys.write_text(json.dumps({"identities": [identity]}))

    def _credentials(self) -> dict[str, str]:
        keys = json.loads(self._keys.read_text())["identities"][0]["credentials"][0]
        return {"access_key": keys["accessKey"], "secret_key": keys["secretKey"]}

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _configure(self) -> None:
        """Have it sync each write, which it does not do unless told; saying it again does no harm."""
        master = f"-master=127.0.0.1:{self._port + 2}.{self._port + 3}"
        filer = f"-filer=127.0.0.1:{self._port + 6}.{self._port + 7}"
        command = [self._weed, "shell", master, filer]
        shell = subprocess.run(command, input=_SYNC_EACH_WRITE, capture_output=True, text=True, timeout=30, check=False)
        if not re.search(r'"fsync":\s*true', shell.stdout):
            self.stop()
            raise EngineMissing("SeaweedFS does not take the order to sync each write")

    def _write(self) -> None:
        """Write an object: after a kill it answers at once, but takes writes up to 20 s later."""
        keys = self._credentials()
        pool = urllib3.PoolManager(timeout=_READY_AFTER_S, retries=False)
        client = Minio(f"127.0.0.1:{self._port}", **keys, secure=False, region="us-east-1", http_client=pool)
        try:
            if not client.bucket_exists(_PROBED):
                client.make_bucket(_PROBED)
            client.put_object(_PROBED, "probe", io.BytesIO(b"x"), 1)
        except (MinioException, urllib3.exceptions.HTTPError) as error:
            self.stop()
            raise EngineMissing(f"SeaweedFS takes no writes: {error}") from error
