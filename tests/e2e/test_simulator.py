"""The simulator against an SCP that is none of ours: pynetdicom's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, StoragePresentationContexts, evt

from radstream.dimse.outgoing import Destination
from services.command.simulate import Options, simulate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@contextmanager
def scp(handle_store: Callable[[Any], int], *transfer_syntax_uids: str) -> Iterator[Destination]:
    entity = AE("PEER")
    for context in StoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, list(transfer_syntax_uids))
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, handle_store)])
    try:
        yield Destination("127.0.0.1", server.socket.getsockname()[1], called_ae_title="PEER")
    finally:
        server.shutdown()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
async def test_a_foreign_scp_gets_the_very_bytes_that_are_noted_though_it_hangs_up_and_fails(
    tmp_path: Path, syntax: str
) -> None:
    stored: dict[str, bytes] = {}
    calls = 0

    def handle_store(event: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 3:
            event.assoc.abort()
        if calls == 5:
            return 0xA700
        stored[event.request.AffectedSOPInstanceUID] = event.request.DataSet.getvalue()
        return 0x0000

    journal = tmp_path / "acknowledged.jsonl"
    with scp(handle_store, syntax) as destination:
        summary = await simulate(
            Options(destination, studies=4, slices=2, scale=0.15, seed=5, associations=2, acknowledged=journal)
        )
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert len(lines) == len(summary.acknowledged) == 2 + 3 * 2 + 1 + 2
    assert summary.resent >= 2
    for line in lines:
        assert hashlib.sha256(stored[line["sop_instance_uid"]]).hexdigest() == line["sha256"]
