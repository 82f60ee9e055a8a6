"""Table 1: VBench-I2V, 246 image-caption pairs, seeds fixed across methods (Appendix C)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from studies.reproduction.paper import Row

PAIRS: Final = 246
"""Appendix C.3."""


def _row(model: str, method: str, *values: float) -> Row:
    return Row(place=f"Table 1, {model}, {method}", values=values)  # type: ignore[arg-type]


TABLE_1: Final[Mapping[str, Row]] = MappingProxyType(
    {
        f"{model}, {method}": _row(model, method, *values)
        for model, method, *values in (
            ("Wan 2.2-14B", "Baseline", 51.7, 2.83, 58.0, 0.2614, 0.143),
            ("Wan 2.2-14B", "ALG", 55.3, 2.83, 57.7, 0.2616, 0.140),
            ("Wan 2.2-14B", "Ours", 64.8, 2.84, 57.7, 0.2621, 0.143),
            ("Wan 2.1-14B", "Baseline", 48.7, 3.21, 57.7, 0.2601, 0.132),
            ("Wan 2.1-14B", "ALG", 52.5, 3.18, 57.2, 0.2615, 0.127),
            ("Wan 2.1-14B", "Ours", 54.5, 3.25, 57.4, 0.2618, 0.126),
            ("HunyuanVideo-1.5", "Baseline", 48.0, 2.87, 58.2, 0.2624, 0.140),
            ("HunyuanVideo-1.5", "ALG", 46.3, 2.87, 58.2, 0.2629, 0.141),
            ("HunyuanVideo-1.5", "Ours", 55.3, 2.88, 58.1, 0.2653, 0.141),
            ("CogVideoX-5B", "Baseline", 30.9, 2.90, 57.8, 0.2612, 0.140),
            ("CogVideoX-5B", "ALG", 52.0, 2.98, 57.1, 0.2647, 0.127),
            ("CogVideoX-5B", "Ours", 52.9, 2.92, 57.1, 0.2652, 0.131),
        )
    }
)
"""Every row, in order."""

PLACE: Final = "§4.2, Table 1, all four backbones"
