"""Synthetic anatomy as arrays: bodies that nobody has, drawn with ellipses, tubes and noise. Pure numpy."""
