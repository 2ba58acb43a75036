"""The catalog of a cluster, in a MongoDB; `adapter` is what the rest of the house sees."""

from radstream.catalog.mongo.adapter import MongoCatalog, open_database

__all__ = ["MongoCatalog", "open_database"]
