"""Windows of CT in Hounsfield units, by the tissue that they show.

Centers and widths are those in common use; they suit an adult and 120 kV, and every reader changes them to taste.
"""

from __future__ import annotations

from typing import Final

from services.render.windows import Window

PRESETS: Final[dict[str, Window]] = {
    "brain": Window(40, 80),
    "subdural": Window(75, 215),
    "stroke": Window(40, 40),
    "temporal-bone": Window(600, 2800),
    "bone": Window(400, 1800),
    "lung": Window(-600, 1500),
    "mediastinum": Window(50, 350),
    "soft-tissue": Window(40, 400),
    "abdomen": Window(50, 400),
    "liver": Window(30, 150),
    "angiography": Window(300, 600),
}
