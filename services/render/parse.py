"""From the bytes of a header, or of a whole file, to a data set. Runs in the worker."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

from pydicom import Dataset, config, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset

from radstream.contract.errors import RejectedInstance, UnsupportedInstance
from radstream.dicom.deflate import inflate
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import encoding_of

_DAMAGES: Final = (InvalidDicomError, OSError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError)
"""What pydicom raises where it cannot go on."""


@lru_cache(maxsize=2)  # the frames of one object come one after the other, and enhanced headers are long
def parse_header(header: bytes) -> Dataset:
    """Return the data set in a Part 10 file that ends before Pixel Data.

    Raises
    ------
    UnsupportedInstance
        If it cannot be read.
    """
    try:
        meta = parse_meta(header)
    except RejectedInstance as error:
        raise UnsupportedInstance(str(error)) from error
    if meta is None:
        return _read(header)
    encoding = encoding_of(meta.transfer_syntax_uid)
    return _read_data_set(header[meta.data_set_offset :], encoding.is_implicit, encoding.is_little_endian)


def parse_whole(file: bytes, max_whole_bytes: int) -> tuple[Dataset, bool]:
    """Return the whole data set of a Part 10 file, and whether its words are big-endian.

    Parameters
    ----------
    max_whole_bytes : int
        Up to which a deflated data set is inflated.

    Raises
    ------
    UnsupportedInstance
        If it cannot be read.
    """
    try:
        meta = parse_meta(file)
        if meta is None:
            return _read(file), False
        encoding = encoding_of(meta.transfer_syntax_uid)
        if not encoding.is_deflated:
            return _read(file), not encoding.is_little_endian
        data_set = inflate(file[meta.data_set_offset :], max_whole_bytes)
    except RejectedInstance as error:
        raise UnsupportedInstance(str(error)) from error
    return _read_data_set(data_set, is_implicit=False, is_little_endian=True), False


def _read_data_set(data_set: bytes, is_implicit: bool, is_little_endian: bool) -> Dataset:
    """Return a data set without the meta group, which takes pydicom longer than all of a short header."""
    config.settings.reading_validation_mode = config.IGNORE
    try:
        return read_dataset(io.BytesIO(data_set), is_implicit, is_little_endian)
    except _DAMAGES as error:
        raise UnsupportedInstance(f"the header cannot be read ({type(error).__name__})") from error


def _read(file: bytes) -> Dataset:
    config.settings.reading_validation_mode = config.IGNORE
    try:
        return dcmread(io.BytesIO(file), force=True)
    except _DAMAGES as error:
        raise UnsupportedInstance(f"the header cannot be read ({type(error).__name__})") from error
