"""The catalog's service: reads the header of what was stored, writes documents, says what changed."""
