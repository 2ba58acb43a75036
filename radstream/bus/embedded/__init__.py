"""The log on one machine: SQLite files in a folder, shared by any number of processes.

::

    log.db          topics and records; WAL, FULL: durable when the transaction ends
    offsets.db      what each group has done; apart, so that committing an offset never waits for a busy log
    *.lock          who may write just now: a queue of processes is fairer and faster than SQLite's busy waiting
    leases/         one flock for each (group, topic): whoever holds it is the active member
    wake/           one datagram socket for each listening process: news arrives in 0.2 ms without polling

Everything is released by the kernel when a process dies, however it dies. One topic has one partition, 0.
Only `create_topics` makes the folder: a log whose disk went away must not be begun anew on another one.
"""

from radstream.bus.embedded.bus import EmbeddedBus

__all__ = ["EmbeddedBus"]
