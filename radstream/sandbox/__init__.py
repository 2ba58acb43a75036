"""Decoding and encoding of pixels that nobody can vouch for, in processes that may die."""
