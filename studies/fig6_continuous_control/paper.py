"""What §4.4 says of Figure 6."""

from __future__ import annotations

from typing import Final

LAMS: Final = (-2.0, -1.0, 0.0, 0.6, 1.0)
"""λ of Figures 6 and 10, from the project page."""

FREEZES: Final = "§4.4: as λ becomes negative, videos become even more static"
FREES: Final = "§4.4: as λ increases above zero, motion becomes richer"
CONTINUOUS: Final = "§4.4: λ is a continuous control over the static-to-dynamic spectrum"
FIDELITY: Final = "§4.4: moderate positive λ preserve fidelity to the reference"
