"""The catalog of one machine, in one SQLite file; `adapter` is what the rest of the house sees."""

from radstream.catalog.sqlite.adapter import SqliteCatalog

__all__ = ["SqliteCatalog"]
