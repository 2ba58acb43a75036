"""Colour frames: palettes, depth, and YBR to RGB (PS3.3 C.7.6.3.1.2). Pure numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from radstream.contract.errors import UnsupportedInstance
from radstream.dicom.ybr import from_ybr_full
from services.render.description import Description
from services.render.lookup_tables import LookupTable

Array = npt.NDArray[Any]


def to_rgb(samples: Array, photometric_interpretation: str, description: Description) -> Array:
    """Return a frame as RGB.

    Parameters
    ----------
    samples : ndarray
        Stored values of shape (rows, columns) for PALETTE COLOR, else (rows, columns, 3).
    photometric_interpretation : str
        After decoding.

    Returns
    -------
    ndarray
        Shape (rows, columns, 3), uint8.

    Raises
    ------
    UnsupportedInstance
        If this kind of colour is not shown.
    """
    if photometric_interpretation == "PALETTE COLOR":
        if description.palette is None or samples.ndim != 2:
            raise UnsupportedInstance("PALETTE COLOR without a palette")
        return description.palette.look_up(samples)
    if samples.ndim != 3 or samples.dtype.kind != "u":
        raise UnsupportedInstance(f"{photometric_interpretation} without three unsigned samples a pixel")
    if photometric_interpretation == "RGB":
        return to_8_bits(samples, description.attributes["bits_stored"])
    if photometric_interpretation == "YBR_FULL":
        return from_ybr_full(to_8_bits(samples, description.attributes["bits_stored"]))
    raise UnsupportedInstance(f"Photometric Interpretation {photometric_interpretation or '(none)'} is not shown")


def to_8_bits(samples: Array, bits_stored: int) -> Array:
    """Return `samples` with their range of 0 to 2**bits_stored - 1 stretched or cut to that of 8 bits."""
    if bits_stored == 8:
        return samples.astype(np.uint8, copy=False)
    if bits_stored > 8:
        return (samples >> (bits_stored - 8)).astype(np.uint8)
    return (samples.astype(np.uint16) * 255 // ((1 << bits_stored) - 1)).astype(np.uint8)


def colour_above(brightness: Array, samples: Array, supplemental: LookupTable) -> Array:
    """Return a monochrome picture with the colours of a Supplemental Palette (PS3.3 C.7.6.19, C.8.16.2.1.1.1).

    Parameters
    ----------
    brightness : ndarray
        What `samples` look like without colours; uint8.
    supplemental : LookupTable
        Stored values from its first one on are coloured.
    """
    rgb = np.repeat(brightness[..., None], 3, axis=2)
    is_coloured = samples >= supplemental.first_mapped
    rgb[is_coloured] = supplemental.look_up(samples[is_coloured])
    return rgb


def pseudo_coloured(brightness: Array, palette: LookupTable) -> Array:
    """Return brightness in the colours of a Pseudo-color Softcopy Presentation State (PS3.4 N.2.2).

    Parameters
    ----------
    brightness : ndarray
        uint8 of shape (rows, columns); its range of 0 to 255 is that of the palette.
    """
    place = np.rint(np.arange(256) * ((len(palette.entries) - 1) / 255)).astype(np.intp)
    return palette.entries[place][brightness]
