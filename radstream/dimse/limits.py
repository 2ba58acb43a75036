"""What one end of an association allows the other: sizes and times."""

from __future__ import annotations

from dataclasses import dataclass

from radstream.contract.errors import UnsafeConfiguration


@dataclass(frozen=True)
class Limits:
    """The limits of a server or of one requested association.

    Parameters
    ----------
    max_pdu_bytes : int
        Largest P-DATA-TF that we take, announced to the peer; 4 KiB to 1 MiB.
    max_associate_bytes : int
        Largest A-ASSOCIATE PDU. It may well exceed 64 KiB: 128 contexts with 45 transfer syntaxes each do.
    max_command_bytes : int
        Largest command set.
    max_identifier_bytes : int
        Largest data set of a message that is not streamed, that is of any but C-STORE.
    artim_s : float
        ARTIM timer (PS3.8 9.1.5): from the connection to a whole A-ASSOCIATE-RQ, and from our last PDU to its end.
    pdu_s : float
        From the first byte of a PDU to its last, however busily it drips.
    network_s : float
        Silence in the middle of a message, or without taking what we send.
    idle_s : float
        Silence between messages.
    tls_handshake_s : float
        Until a TLS client has shaken hands.
    max_associations, max_associations_per_host, max_associations_per_ae_title : int
        At once: in all, of one address, and of one calling AE title.
    reserved_share : float
        Part of `max_associations` that only known AE titles may use.
    queue_s : float
        How long a request waits for a place before it is rejected as transient (PS3.8 9.3.4).
    max_strangers : int
        Connections without an association; for one more the oldest is closed without a word.
    """

    max_pdu_bytes: int = 256 << 10
    max_associate_bytes: int = 1 << 20
    max_command_bytes: int = 64 << 10
    max_identifier_bytes: int = 1 << 20
    artim_s: float = 15.0
    pdu_s: float = 30.0
    network_s: float = 60.0
    idle_s: float = 600.0
    tls_handshake_s: float = 10.0
    max_associations: int = 200
    max_associations_per_host: int = 128
    max_associations_per_ae_title: int = 64
    reserved_share: float = 0.25
    queue_s: float = 5.0
    max_strangers: int = 256

    def __post_init__(self) -> None:
        if not 4 << 10 <= self.max_pdu_bytes <= 1 << 20:
            raise UnsafeConfiguration("the maximum PDU size is at least 4 KiB and at most 1 MiB")
