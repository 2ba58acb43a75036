"""Which presentation contexts are proposed together: at most 128 an association (PS3.8 9.3.2.2). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from radstream.dimse.outgoing import Kind

MAX_CONTEXTS: Final = 128
"""Presentation context IDs are the odd numbers of a byte (PS3.8 9.3.2.2)."""


class Proposals:
    """Every kind of instance in a group whose contexts fit one association, in the order in which they came.

    Parameters
    ----------
    offers : sequence of str
        Transfer syntaxes that are proposed for each SOP class besides those that its instances are stored in.
    """

    def __init__(self, offers: Sequence[str] = ()) -> None:
        self._offers = tuple(offers)[: MAX_CONTEXTS - 1]
        self._group_of: dict[Kind, int] = {}
        self._groups: list[dict[Kind, None]] = []

    def group_of(self, kind: Kind) -> int:
        """Return the number of the group that proposes `kind`, which joins the latest one if it is new."""
        if kind not in self._group_of:
            needed = dict.fromkeys((kind, *(Kind(kind.sop_class_uid, uid) for uid in self._offers)))
            if not self._groups or len(self._groups[-1] | needed) > MAX_CONTEXTS:
                self._groups.append({})
            self._groups[-1] |= needed
            self._group_of[kind] = len(self._groups) - 1
        return self._group_of[kind]

    def contexts(self, group: int) -> tuple[Kind, ...]:
        """Return what is proposed for `group` by now: each transfer syntax in a context of its own."""
        return tuple(self._groups[group])
