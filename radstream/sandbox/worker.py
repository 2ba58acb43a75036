"""A worker process: reads tasks from standard input, does them, writes answers to standard output, fears nothing.

It meets pixels that may be made to break decoders, so it may die at any time and takes nothing along: it holds no
secrets, may open no files for writing, has a cap on its memory and its time, and ends with the process that started it.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from typing import BinaryIO, Final

from radstream.contract.errors import RadstreamError
from radstream.sandbox.messages import REQUEST, Outcome, encode_outcome

PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38

Handler = Callable[[bytes, bytes, bytes], tuple[bytes, bytes]]
"""Takes order, header and frame of a task; returns note and body. Its errors become the reason why there is none."""


def main() -> None:
    """Answer tasks until standard input ends.

    The arguments are what does them (``module:function``, a `Handler`), and the caps: memory in bytes, processor time
    of a task in seconds.
    """
    module, _, function = sys.argv[1].partition(":")
    serve(getattr(importlib.import_module(module), function), int(sys.argv[2]), int(sys.argv[3]))


def serve(handler: Handler, memory_bytes: int, task_s: int) -> None:
    """Let `handler` answer tasks until standard input ends, within the caps."""
    os.setpgid(0, 0)  # Ctrl-C is for the service, which ends us in order
    answers = _private_output()
    _confine(memory_bytes)
    warnings.simplefilter("ignore")  # pydicom tells of every malformed value, with the value: patient data
    logging.disable()
    while (task := _read_task(sys.stdin.buffer)) is not None:
        _limit_processor_time(task_s)
        answers.write(answer(handler, *task))
        answers.flush()


def _private_output() -> BinaryIO:
    """Keep standard output for answers alone; what decoders print would break them, or reach a log."""
    private = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    return os.fdopen(private, "wb")


def _confine(memory_bytes: int) -> None:
    for kind, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),  # pipes are not files: answers still go out
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, allowed))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # also in the middle of a decoder's endless loop


def _limit_processor_time(task_s: int) -> None:
    """Let the kernel kill this process when the next task has used its time; a busy machine costs it nothing."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + task_s
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _read_task(stream: BinaryIO) -> tuple[bytes, bytes, bytes] | None:
    head = stream.read(REQUEST.size)
    if len(head) < REQUEST.size:
        return None
    order, header, frame = (stream.read(length) for length in REQUEST.unpack(head))
    return order, header, frame


def answer(handler: Handler, order: bytes, header: bytes, frame: bytes) -> bytes:
    """Return the answer to a task: what `handler` made of it, or the reason why there is nothing."""
    try:
        note, body = handler(order, header, frame)
    except RadstreamError as error:
        return _refusal(str(error))
    except MemoryError:
        return _refusal("this needs more memory than a worker may have")
    except RecursionError:
        return _refusal("sequences are nested too deeply")
    except Exception as error:  # noqa: BLE001 - hostile pixels may raise anything; the text may hold patient data
        return _refusal(f"failed with {type(error).__name__}")
    return encode_outcome(Outcome(note=note), body)


def _refusal(reason: str) -> bytes:
    return encode_outcome(Outcome(reason=reason), b"")


if __name__ == "__main__":
    main()
