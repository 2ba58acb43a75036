"""What every resource of the web doors takes and answers: one table, from which OpenAPI and Capabilities are made.

The services that own the resources are other programs, so the table says what their routes are; a test compares the
two, in both directions (`tests/architecture/test_description.py`).
"""
