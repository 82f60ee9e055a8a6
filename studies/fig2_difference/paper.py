"""What §3.1 says of Figure 2."""

from __future__ import annotations

from typing import Final

PROMPTS: Final = 50
"""§3.1: 50 videos, prompts of T2V-CompBench; Appendix B: CogVideoX-5B, one fixed seed."""
EARLY: Final = 0.1
"""Appendix B: maps are means over the initial 10 % of the steps, all heads, layers and prompts."""

DOMINANCE: Final = (
    "§3.1, Fig. 2(b): I2V puts significantly more attention on the reference frame than its T2V counterpart"
)
ONLY_REFERENCE: Final = "§3.1, Fig. 2(b): it is the reference frame that gets more"
EARLY_MOST: Final = "§3.1: dominance is most pronounced in the initial denoising stage"
STILL: Final = "§3.1, Fig. 2(a): I2V moves less than its T2V counterpart"
