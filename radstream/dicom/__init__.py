"""DICOM as bytes: Part 10 files, headers, the DICOM JSON model, frames, codecs. Pure but for the codecs."""
