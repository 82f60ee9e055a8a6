"""What §4.3 says of Figure 5(a) and (b); 5(c) is a user study."""

from __future__ import annotations

from typing import Final

LAMS: Final = (0.0, 0.5, 0.6, 1.0, 1.5, 2.0, 3.0)
"""Not the paper's, which are lost with the plot; 0.6 and 1 are among those of Table 3."""
STEP_RATIOS: Final = (0.0, 0.05, 0.1, 0.15, 0.25, 0.35, 0.5, 1.0)
"""Not the paper's, which are lost with the plot; 0 is the untouched model."""
RELATIVE_GAIN: Final = 0.117
"""§4.3: relative gain of Dynamic Degree between two λ that are lost in the text."""

LAM_RAISES: Final = "§4.3, Fig. 5(a): Dynamic Degree consistently increases as λ increases"
QUALITY: Final = "§4.3, Fig. 5(a): Video Quality remains nearly stable across the same range"
RATIO_RAISES: Final = "§4.3, Fig. 5(b): a larger step ratio initially improves Dynamic Degree"
RATIO_QUALITY: Final = "§4.3, Fig. 5(b): there Video Quality remains stable"
SATURATES: Final = "§4.3, Fig. 5(b): beyond a certain point a larger step ratio reduces Dynamic Degree"
SWITCH_BACK: Final = (
    "§4.3: switching back to the original attention helps maintain quality, so that all steps cost some"
)
