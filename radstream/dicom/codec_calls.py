"""The only file that knows imagecodecs: its functions by name, their errors as ours."""

from __future__ import annotations

from typing import Any

from radstream.contract.errors import UnsupportedInstance


def call(name: str, *arguments: object, **options: object) -> Any:
    """Call a function of imagecodecs.

    Raises
    ------
    UnsupportedInstance
        If it fails.
    """
    import imagecodecs  # takes time and memory that a process without pictures does not need

    try:
        return getattr(imagecodecs, name)(*arguments, **options)
    except (RuntimeError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise UnsupportedInstance(f"{name} failed: {str(error)[:120]}") from error
