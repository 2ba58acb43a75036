"""The library every Radstream service is built from. Imports no service."""

__version__ = "0.1.0"
