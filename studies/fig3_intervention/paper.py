"""What §3.2 says of Figure 3."""

from __future__ import annotations

from typing import Final

STEP_RATIO: Final = 0.1
"""§3.2: logits are biased in the first 10 % of the denoising steps, in every layer."""
LAMS: Final = (-2.0, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Not the paper's: its λ are lost with the plots. These reach beyond both ends of Figure 6 (−2 to 1)."""

ATTENUATES: Final = "§3.2, Fig. 3(a): the larger λ, the less attention on the reference frame"
MOTION: Final = "§3.2, Fig. 3(b): increasing λ consistently increases Dynamic Degree"
FREEZES: Final = "§3.2: negative λ gives more static videos"
FREES: Final = "§3.2: suppressing the logits restores motion"
QUALITY: Final = "§3.2, Fig. 3(b): Video Quality remains stable over a broad range"
MINIMUM: Final = "§3.2, Fig. 3(c): d(λ) has a minimum"
SAME_PLACE: Final = "§3.2: where d(λ) is least, motion is also closest to T2V's"
