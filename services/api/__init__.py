"""DOOR OUT: QIDO-RS and WADO-RS under /dicom-web, and the start page."""
