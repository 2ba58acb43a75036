"""PIXELS: previews by event, /rendered and /thumbnail; decoding runs in worker processes that may die."""
