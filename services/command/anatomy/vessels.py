"""Trees of vessels in space, as many small balls. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Balls = NDArray[np.float32]
"""Shape (n, 4): x, y, z and radius, in mm."""


def vessel_tree(
    rng: np.random.Generator,
    root_mm: tuple[float, float, float],
    towards: tuple[float, float, float],
    radius_mm: float,
    generations: int = 8,
) -> Balls:
    """Return a tree that branches in two `generations` times, its twigs ever thinner and shorter.

    Parameters
    ----------
    root_mm : tuple of float
        Where the trunk begins.
    towards : tuple of float
        Direction of the trunk.
    radius_mm : float
        Of the trunk.
    """
    balls: list[NDArray[np.float64]] = []
    branches = [(np.array(root_mm), np.array(towards) / np.linalg.norm(towards), radius_mm)]
    for _ in range(generations):
        grown = []
        for start, direction, radius in branches:
            length = radius * rng.uniform(5, 9)
            steps = np.linspace(0, length, max(2, int(length / max(radius * 0.6, 0.4))))
            sag = rng.normal(scale=0.15, size=3)
            points = start + steps[:, None] * direction + (steps[:, None] / length) ** 2 * sag * length
            balls.append(np.column_stack([points, np.linspace(radius, radius * 0.8, len(steps))]))
            grown += [(points[-1], _turned(rng, direction), radius * rng.uniform(0.64, 0.86)) for _ in range(2)]
        branches = grown
    return np.concatenate(balls).astype(np.float32)


def _turned(rng: np.random.Generator, direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a direction some 35 degrees off."""
    turned = direction + rng.normal(scale=0.45, size=3)
    return np.asarray(turned / np.linalg.norm(turned))
