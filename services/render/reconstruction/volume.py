"""Volumes in a worker's memory: filled slice by slice, kept as long as there is room. Pure numpy."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from radstream.contract.errors import UnsupportedInstance
from services.render.description import Description
from services.render.grayscale import choose_voi, is_padding, rescale
from services.render.lookup_tables import LookupTable
from services.render.reconstruction.aligned import axes_of, project
from services.render.reconstruction.grid import Grid
from services.render.reconstruction.oblique import sample
from services.render.reconstruction.stack import Stack
from services.render.shown import Shown
from services.render.windows import Window

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Form:
    """How the voxels of a volume are kept.

    Parameters
    ----------
    stack : Stack
        Its geometry.
    stored : str
        Type of the voxels, as numpy names it: the one of stored values if all slices have the same rescaling, float32
        if each has its own and they are rescaled one by one.
    slope, intercept : float
        What makes values of the voxels.
    """

    stack: Stack
    stored: str
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def size_bytes(self) -> int:
        """Memory that the voxels take."""
        slices, rows, columns = self.stack.shape
        return slices * rows * columns * np.dtype(self.stored).itemsize


@dataclass
class Volume:
    """A volume, complete or not.

    Parameters
    ----------
    description : Description or None
        Of the slice in the middle, as soon as it is there; so are the others below.
    voi : Window or LookupTable or None
        That planes are shown with if nothing else is wished: the same for all, so that brightness tells something.
    dataset : Dataset or None
        Its header.
    """

    form: Form
    voxels: Array
    is_filled: Array
    description: Description | None = None
    voi: Window | LookupTable | None = None
    dataset: Dataset | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every slice is there."""
        return bool(self.is_filled.all())

    def fill(self, number: int, samples: Array, description: Description, dataset: Dataset) -> None:
        """Put a slice in its place.

        Parameters
        ----------
        samples : ndarray
            Stored values, of shape (rows, columns).

        Raises
        ------
        UnsupportedInstance
            If it is not what its header announced.
        """
        if samples.shape != self.voxels.shape[1:]:
            raise UnsupportedInstance("a slice has not the size that was announced")
        values = samples if self.form.stored != "float32" else np.nan_to_num(rescale(samples, description))
        if values.dtype != self.voxels.dtype and self.form.stored != "float32":
            raise UnsupportedInstance("a slice has not the type that was announced")
        self.voxels[number] = values
        self._blacken(number, samples, description)
        self.is_filled[number] = True
        if number == len(self.voxels) // 2:
            self.description, self.dataset = description, dataset
            self.voi = choose_voi(samples, description, None)

    def _blacken(self, number: int, samples: Array, description: Description) -> None:
        """Give padding the smallest value of its slice: it is black, and lightens nothing that lies beside it."""
        padding = is_padding(samples, description)
        if padding.any():
            plane = self.voxels[number]
            plane[padding] = plane[~padding].min() if not padding.all() else 0

    def shown(self, grid: Grid, projection: str) -> Shown:
        """Return the values of a plane or slab; padding is what lies outside of the volume.

        Raises
        ------
        UnsupportedInstance
            If it is too much for one picture.
        """
        stack = self.form.stack
        axes = axes_of(stack, grid)
        found = (
            project(self.voxels, stack, grid, axes, projection)
            if axes is not None
            else sample(self.voxels, stack, grid, projection)
        )
        values = found * np.float32(self.form.slope) + np.float32(self.form.intercept)
        is_outside = np.isnan(values)
        return Shown(np.nan_to_num(values), is_outside if is_outside.any() else None)


@dataclass
class Shelf:
    """The volumes of a worker, the one that was looked at last at the end."""

    volumes: OrderedDict[str, Volume] = field(default_factory=OrderedDict)

    def open(self, key: str, form: Form, limit_bytes: int) -> None:
        """Make room for a volume, and an empty one; volumes that nobody has looked at for longest have to go.

        Raises
        ------
        UnsupportedInstance
            If there would not be room for it alone.
        """
        if form.size_bytes > limit_bytes:
            raise UnsupportedInstance(f"the volume takes {form.size_bytes} bytes, more than the {limit_bytes} allowed")
        self.volumes.pop(key, None)
        while sum(volume.form.size_bytes for volume in self.volumes.values()) + form.size_bytes > limit_bytes:
            self.volumes.popitem(last=False)
        voxels = np.zeros(form.stack.shape, form.stored)
        self.volumes[key] = Volume(form, voxels, np.zeros(len(voxels), np.bool_))

    def take(self, key: str) -> Volume | None:
        """Return a volume, which is the last one to go from now on."""
        if key in self.volumes:
            self.volumes.move_to_end(key)
        return self.volumes.get(key)
