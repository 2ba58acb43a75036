"""Transfer syntaxes by short names, for the tests of codecs."""

from __future__ import annotations

IMPLICIT = "1.2.840.10008.1.2"
NATIVE = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
BASELINE, EXTENDED, PROGRESSIVE = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 55))
LOSSLESS, LOSSLESS_SV1 = (f"1.2.840.10008.1.2.4.{number}" for number in (57, 70))
JPEG_LS, NEAR_LOSSLESS = (f"1.2.840.10008.1.2.4.{number}" for number in (80, 81))
JPEG_2000, JPEG_2000_LOSSY = (f"1.2.840.10008.1.2.4.{number}" for number in (90, 91))
HTJ2K = "1.2.840.10008.1.2.4.201"
