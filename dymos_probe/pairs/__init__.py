"""T2V/I2V model pairs: the published ones, the one made here, and how any of them is loaded.

Importing this package loads neither torch nor diffusers; `load_pipeline` does.
"""

from dymos_probe.pairs.describe import describe
from dymos_probe.pairs.load import load_pipeline
from dymos_probe.pairs.pair import Arm, Offload, Pair, load_pair
from dymos_probe.pairs.preset import Preset, Source
from dymos_probe.pairs.presets import PRESETS, preset

__all__ = [
    "PRESETS",
    "Arm",
    "Offload",
    "Pair",
    "Preset",
    "Source",
    "describe",
    "load_pair",
    "load_pipeline",
    "preset",
]
