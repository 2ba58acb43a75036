"""From the bytes of a header, or of a whole file, to a data set. Runs in the worker."""

from __future__ import annotations

import io
from functools import lru_cache

from pydicom import Dataset, config, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset

from radstream.contract.errors import RejectedInstance, UnsupportedInstance
from radstream.dicom.deflate import inflate
from radstream.dicom.part10 import parse_meta
from radstream.dicom.syntaxes import encoding_of


@lru_cache(maxsize=2)  # the frames of one object come one after the other, and enhanced headers are long
def parse_header(header: bytes) -> Dataset:
    """Return the data set in a Part 10 file that ends before Pixel Data.

    Raises
    ------
    UnsupportedInstance
        If it cannot be read.
    """
    return _read(header)


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
    return read_dataset(io.BytesIO(data_set), is_implicit_VR=False, is_little_endian=True), False


def _read(file: bytes) -> Dataset:
    config.settings.reading_validation_mode = config.IGNORE
    try:
        return dcmread(io.BytesIO(file), force=True)
    except (InvalidDicomError, OSError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:
        raise UnsupportedInstance(f"the header cannot be read ({type(error).__name__})") from error
