"""Planes through a volume that is put together from the images of a series: orthogonal, oblique, thin or as slabs."""
