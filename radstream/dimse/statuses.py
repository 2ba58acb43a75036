"""Statuses of DIMSE responses (PS3.7 Annex C); those of a service class are in its part of PS3.4."""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 0x0000
PROCESSING_FAILURE: Final = 0x0110
INVALID_SOP_INSTANCE: Final = 0x0117
NO_SUCH_SOP_CLASS: Final = 0x0118
SOP_CLASS_NOT_SUPPORTED: Final = 0x0122
DUPLICATE_INVOCATION: Final = 0x0210
UNRECOGNIZED_OPERATION: Final = 0x0211
MISTYPED_ARGUMENT: Final = 0x0212
RESOURCE_LIMITATION: Final = 0x0213
OUT_OF_RESOURCES: Final = 0xA700
CANCEL: Final = 0xFE00
PENDING: Final = 0xFF00
PENDING_WITH_WARNING: Final = 0xFF01


def is_pending(status: int) -> bool:
    """Tell whether more responses follow (PS3.7 C.1.3)."""
    return status in (PENDING, PENDING_WITH_WARNING)


def is_warning(status: int) -> bool:
    """Tell whether the operation was carried out, but not quite as asked (PS3.7 C.3)."""
    return status in (0x0001, 0x0107, 0x0116) or status & 0xF000 == 0xB000


def is_stored(status: int) -> bool:
    """Tell whether a C-STORE response says that the peer has the instance now (PS3.4 B.2.3)."""
    return status == SUCCESS or is_warning(status)


def may_succeed_later(status: int) -> bool:
    """Tell whether the same instance may be accepted with another try: out of resources, or processing failure."""
    return status >> 8 == 0xA7 or status == PROCESSING_FAILURE
