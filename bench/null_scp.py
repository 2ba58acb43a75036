"""Storage SCPs that discard: ``python -m bench.null_scp radstream|pynetdicom PORT``. What the protocol alone costs."""

from __future__ import annotations

import asyncio
import sys

from radstream.dimse.server import AETitlePolicy, DimseServer, Request, store_route
from radstream.process import run_service
from radstream.settings import Settings, load_settings


class NullSink:
    """Takes a data set and forgets it."""

    def write(self, fragment: memoryview) -> None:
        pass

    async def drain(self) -> None:
        pass

    async def finish(self) -> int:
        return 0

    async def abort(self) -> None:
        pass


def discard(_request: Request) -> NullSink:
    return NullSink()


async def radstream(settings: Settings, stop: asyncio.Event) -> None:
    server = DimseServer(settings.host, settings.dimse_port, routes=[store_route(discard)], ae_title=AETitlePolicy())
    await server.start()
    await stop.wait()
    await server.close()


def pynetdicom(port: int) -> None:
    """Run pynetdicom's AE on its defaults, but for as many associations as come."""
    from pynetdicom import AE, AllStoragePresentationContexts, evt

    ae = AE("NULL")
    ae.maximum_associations = 100
    ae.supported_contexts = AllStoragePresentationContexts
    ae.start_server(("127.0.0.1", port), block=True, evt_handlers=[(evt.EVT_C_STORE, lambda _event: 0x0000)])


if __name__ == "__main__":
    if sys.argv[1] == "radstream":
        run_service("null", radstream, load_settings(dimse_port=int(sys.argv[2])))
    else:
        pynetdicom(int(sys.argv[2]))
