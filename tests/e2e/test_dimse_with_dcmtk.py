"""DCMTK's programs and our ends of DIMSE: who stores in whom, in every syntax, and what goes wrong."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.filereader import dcmread

from radstream.bus.retry import Retry
from radstream.contract.errors import Unavailable
from radstream.dicom.part10 import encode_meta
from radstream.dimse.associate import AssociateReject
from radstream.dimse.client import AssociationRejected
from radstream.dimse.outgoing import Delivery, Destination, Patience
from radstream.dimse.sender import Sender
from radstream.dimse.server import AETitlePolicy, Limits, Peer, UserIdentity
from radstream.dimse.sop_classes import EXPLICIT_VR_LITTLE_ENDIAN
from radstream.dimse.stored import StoredInstance, stored_instance
from tests.dimse_peers import dcmtk_scp, pixels_of, run, sample, serving, to
from tests.dimse_wire import Store, chunks_of
from tests.samples import data_set_of, samples

pytestmark = [pytest.mark.e2e, pytest.mark.dcmtk]


async def test_dcmtk_verifies() -> None:
    async with serving(Store(), ae_title=AETitlePolicy({"RADSTREAM"}, {"ECHOSCU"})) as server:
        assert (await run("echoscu", "-aec", "RADSTREAM", "127.0.0.1", server.port, "--repeat", 20))[0] == 0
        code, said = await run("echoscu", "-aec", "OTHER", "127.0.0.1", server.port)
        assert code != 0
        assert "Called AE Title Not Recognized" in said
        code, said = await run("echoscu", "-aec", "RADSTREAM", "-aet", "STRANGER", "127.0.0.1", server.port)
        assert code != 0
        assert "Calling AE Title Not Recognized" in said


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("-xi", "CT_small.dcm"),
        ("-xe", "CT_small.dcm"),
        ("-xb", "MR_small_bigendian.dcm"),
        ("-xd", "image_dfl.dcm"),
        ("-xy", "SC_rgb_small_odd_jpeg.dcm"),
        ("-xx", "JPEG-lossy.dcm"),
        ("-xt", "MR_small_jpeg_ls_lossless.dcm"),
        ("-xv", "MR_small_jp2klossless.dcm"),
        ("-xr", "MR_small_RLE.dcm"),
    ],
)
async def test_dcmtk_stores_in_its_own_syntax(option: str, name: str) -> None:
    store = Store()
    path = sample(name)
    async with serving(store) as server:
        assert (await run("storescu", option, "127.0.0.1", server.port, path))[0] == 0
    (sink,), (request,) = store.sinks, store.requests
    assert sink.outcome == "finished"
    sent = dcmread(path)
    meta = encode_meta(str(sent.SOPClassUID), str(sent.SOPInstanceUID), request.transfer_syntax_uid)
    received = dcmread(BytesIO(meta + sink.received))
    assert received.SOPInstanceUID == request.command.affected_sop_instance_uid == sent.SOPInstanceUID
    assert pixels_of(received) == pixels_of(sent)


async def test_dcmtk_stores_all_it_can_name_and_several_at_once() -> None:
    store = Store()
    path = sample("CT_small.dcm")
    async with serving(store) as server:
        several = [run("storescu", "--repeat", 25, "127.0.0.1", server.port, path) for _ in range(4)]
        assert [code for code, _ in await asyncio.gather(*several)] == [0] * 4
    assert [sink.outcome for sink in store.sinks] == ["finished"] * 100
    assert len({bytes(sink.received) for sink in store.sinks}) == 1


async def test_dcmtk_is_told_that_an_instance_is_refused() -> None:
    async with serving(Store(status=0xA700)) as server:
        code, said = await run("storescu", "-v", "127.0.0.1", server.port, sample("CT_small.dcm"))
    assert "Refused: OutOfResources" in said
    assert code != 0


async def test_dcmtk_finds_and_cancels() -> None:
    async with serving(Store()) as server:
        query = ("findscu", "-v", "-S", "-k", "QueryRetrieveLevel=STUDY", "127.0.0.1", server.port)
        code, said = await run(*query, "-k", "PatientID=ONE")
        assert code == 0
        assert said.count("Find Response: 2 (Pending)") == 1
        assert "Final Find Response (Success)" in said
        code, said = await run(*query, "-k", "PatientID=ENDLESS", "--cancel", 3)
        assert code == 0
        assert "Cancel" in said


async def test_dcmtk_that_wants_us_to_shut_down_does_not_get_its_way() -> None:
    async with serving(Store()) as server:
        await run("termscu", "127.0.0.1", server.port)
        assert (await run("echoscu", "127.0.0.1", server.port))[0] == 0


async def test_dcmsend_stores_a_folder_over_as_many_associations_as_it_needs(tmp_path: Path) -> None:
    chosen = {one.sop_instance_uid: one for one in samples() if one.is_storable and not one.name.endswith("_dfl.dcm")}
    for number, one in enumerate(chosen.values()):
        (tmp_path / f"{number}.dcm").write_bytes(one.path.read_bytes())
    store = Store()
    async with serving(store) as server:
        code, said = await run("dcmsend", "+sd", "-nh", "-dn", "127.0.0.1", server.port, tmp_path)
    assert code == 0, said
    sent = {request.command.affected_sop_instance_uid for request in store.requests}
    assert len(sent) > 100
    assert sent <= set(chosen)
    assert {sink.outcome for sink in store.sinks} == {"finished"}


@pytest.mark.parametrize("theirs", [4096, 131_072])
@pytest.mark.parametrize("ours", [4 << 10, 1 << 20])
async def test_dcmtk_keeps_to_our_largest_pdu_and_we_to_its(theirs: int, ours: int, tmp_path: Path) -> None:
    store = Store()
    path = sample("CT_small.dcm")
    async with serving(store, limits=Limits(max_pdu_bytes=ours)) as server:
        options = ("-pdu", theirs, "--max-send-pdu", theirs)
        assert (await run("storescu", *options, "127.0.0.1", server.port, path))[0] == 0
    assert store.sinks[0].outcome == "finished"
    async with (
        dcmtk_scp("storescp", "+B", "-od", tmp_path, "-pdu", theirs) as port,
        to(port, limits=Limits(max_pdu_bytes=ours)) as association,
    ):
        assert association.layer.max_fragment_bytes <= theirs
        stored = (dcmread(path).SOPClassUID, "1.2.3", "1.2.840.10008.1.2.1")
        assert await association.c_store(*stored, data_set_of(path.read_bytes())) == 0
    assert data_sets_in(tmp_path) == {data_set_of(path.read_bytes())}


@pytest.mark.parametrize(
    ("options", "kind", "fields"),
    [
        (("-usr", "user"), 1, (b"user", b"")),
        (("-usr", "user", "-pwd", "secret"), 2, (b"user", b"secret")),
        (("-kt", "{file}"), 3, (b"a ticket", b"")),
        (("--saml", "{file}"), 4, (b"a ticket", b"")),
        (("--jwt", "{file}"), 5, (b"a ticket", b"")),
    ],
)
async def test_dcmtks_user_is_verified(
    options: tuple[str, ...], kind: int, fields: tuple[bytes, bytes], tmp_path: Path
) -> None:
    file = tmp_path / "ticket"
    file.write_bytes(b"a ticket")
    seen: list[UserIdentity] = []
    is_verified = True

    async def verify(identity: UserIdentity, _peer: Peer) -> bytes | None:
        seen.append(identity)
        return b"" if is_verified else None

    arguments = [option.format(file=file) for option in options]
    async with serving(Store(), verifier=verify) as server:
        command = ("storescu", *arguments, "-rsp", "127.0.0.1", server.port, sample("CT_small.dcm"))
        code, said = await run(*command)
        assert code == 0, said
        is_verified = False
        code, said = await run(*command)
        assert code != 0
        assert "No Reason" in said
    assert [(one.kind, one.primary_field, one.secondary_field) for one in seen] == [(kind, *fields)] * 2


# --- DCMTK as SCP ---------------------------------------------------------------------------------------------------


async def stored_samples(count: int, *, are_plain: bool = False) -> list[StoredInstance]:
    """Return instances of many SOP classes and transfer syntaxes; plain ones are in Explicit VR Little Endian."""
    chosen = {
        one.sop_instance_uid: one
        for one in samples()
        if one.is_storable and len(one.data_set) < 1 << 20
        if not are_plain or one.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN
    }
    content = [one.path.read_bytes() for one in chosen.values()]
    return [await stored_instance(partial(chunks_of, data, 100_000)) for data in content][:count]


def data_sets_in(folder: Path) -> set[bytes]:
    return {data_set_of(path.read_bytes()) for path in folder.iterdir()}


async def deliveries(port: int, instances: list[StoredInstance], **options: object) -> list[Delivery[StoredInstance]]:
    patience = Patience(attempts=2, peer_s=20, retry=Retry(first_delay_s=0.01, longest_delay_s=0.1))
    sender: Sender[StoredInstance] = Sender(
        Destination("127.0.0.1", port),
        **{"patience": patience, **options},  # type: ignore[arg-type]
    )
    async with aclosing(sender.send(instances)) as found:
        return [delivery async for delivery in found]


@pytest.mark.parametrize("program", ["storescp", "dcmrecv"])
@pytest.mark.parametrize("associations", [1, 3])
async def test_the_sender_stores_in_dcmtk_byte_by_byte(program: str, associations: int, tmp_path: Path) -> None:
    instances = await stored_samples(100)
    options = ("--fork", "+xa", "-pm") if program == "storescp" else ("-xf", "/etc/dcmtk/storescp.cfg", "Default")
    async with dcmtk_scp(program, *options, "+B", "-od", tmp_path) as port:
        told = await deliveries(port, instances, associations=associations)
    stored = {one.instance.sop_instance_uid for one in told if one.error is None}
    refused = {str(one.error) for one in told if one.error is not None}
    assert refused <= {
        "the peer refuses the presentation context: transfer syntax not supported",
        "the peer refuses the presentation context: abstract syntax not supported",
    }
    assert len(stored) > 80
    sent = {b"".join([chunk async for chunk in one.open()]) for one in instances if one.sop_instance_uid in stored}
    assert data_sets_in(tmp_path) == sent


async def test_dcmtk_that_refuses_is_told_apart_from_one_that_is_away() -> None:
    instances = await stored_samples(3)
    async with dcmtk_scp("storescp", "--refuse") as port:
        told = await deliveries(port, instances)
    assert all(isinstance(one.error, AssociationRejected) for one in told)
    assert {one.attempts for one in told} == {0}
    (rejection,) = {one.error.reject for one in told if isinstance(one.error, AssociationRejected)}
    assert isinstance(rejection, AssociateReject)


@pytest.mark.parametrize("option", ["--abort-after", "--abort-during"])
async def test_dcmtk_that_always_aborts_is_given_up(option: str, tmp_path: Path) -> None:
    instances = await stored_samples(3, are_plain=True)
    async with dcmtk_scp("storescp", option, "-od", tmp_path) as port:
        told = await deliveries(port, instances)
    assert len(told) == 3
    assert all(isinstance(one.error, Unavailable) for one in told)
    assert {one.attempts for one in told} == {2}
