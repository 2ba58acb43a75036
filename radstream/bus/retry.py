"""How often something is tried, and how long to wait before the next attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Retry:
    """Delays that double up to a limit, each shortened by chance so that many who wait do not return at once.

    Parameters
    ----------
    max_attempts : int
        After which a record is given up whose error is none of ours. Dependencies are waited for without end.
    first_delay_s, longest_delay_s : float
        The first delay and every later one, at most, in seconds. The longest is also how late the return of a
        dependency may be noticed.
    """

    max_attempts: int = 5
    first_delay_s: float = 0.1
    longest_delay_s: float = 5.0

    def delay_s(self, attempt: int) -> float:
        """Return the seconds to wait after `attempt` (1, 2, ...) has failed: between half and all of its limit."""
        limit_s = min(self.longest_delay_s, self.first_delay_s * 2.0 ** min(attempt - 1, 62))
        return limit_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
