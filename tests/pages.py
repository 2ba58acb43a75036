"""Reading the tables of a page of docs, to compare them with the code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]


def read_page(name: str) -> str:
    """Return the text of a page in `docs`."""
    return (ROOT / "docs" / name).read_text()


def rows(page: str, header: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the table (or tables) under `header`."""
    for table in page.split(f"\n{header}\n")[1:]:
        for line in table.split("\n\n", 1)[0].splitlines()[1:]:
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def code_in(cell: str) -> set[str]:
    """Return what stands between backticks."""
    return set(re.findall(r"`([^`]+)`", cell))


def difference(said: Iterable[object], real: Iterable[object]) -> list[str]:
    """Return what the page says and the code does not, or the other way round."""
    return sorted(map(str, set(said) ^ set(real)))
