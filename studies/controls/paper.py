"""What of the paper's story each control puts to the test."""

from __future__ import annotations

from typing import Final

REFERENCE: Final = (
    "§3.2: attention on the reference frame holds motion down (then the same bias on another frame must do less)"
)
BRANCHES: Final = "§3.2: weakening dominance frees motion (then also where both branches of guidance are biased alike)"
CONTRAST: Final = (
    "Eq. 7: biasing the conditional branch alone steers the guided update (then it must do more than biasing both)"
)
EARLY: Final = "§3.3: the early steps are enough (then biasing all steps must not move the sprite further)"
EARLY_QUALITY: Final = (
    "§3.3: the later steps are left alone for the sake of coherence (then biasing them must cost some)"
)
T2V: Final = "§3.1: the excess is what I2V has over T2V (then λ on T2V, which has none, must not free motion)"
DOMINANCE_EVERYWHERE: Final = "§3.1: I2V puts more attention on the reference frame than T2V, here without curation"
DRIVER: Final = (
    "§1, §3.2: dominance is a primary driver of stillness (then a model that has it must be stiller than T2V)"
)
FREES_ANY: Final = "§3.2: weakening dominance frees motion (then also in the model without curation)"
