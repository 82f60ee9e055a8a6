"""Table 5 of the paper (Appendix D.1): seconds a video on one NVIDIA A100 80GB, and the additions it prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

DEVICE: Final = "A100 80GB"
"""What the paper measured on."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """One column of Table 5."""

    baseline_seconds: int
    """The untouched I2V model, seconds a video."""
    seconds: Mapping[str, int]
    """Seconds a video, by method."""
    percent: Mapping[str, float]
    """Addition over the baseline as printed, by method."""


def _column(baseline: int, *, alg: tuple[int, float], dymos: tuple[int, float]) -> Published:
    return Published(
        baseline_seconds=baseline,
        seconds=MappingProxyType({"alg": alg[0], "dymos": dymos[0]}),
        percent=MappingProxyType({"alg": alg[1], "dymos": dymos[1]}),
    )


TABLE_5: Final[Mapping[str, Published]] = MappingProxyType(
    {
        "wan2.2-a14b": _column(831, alg=(870, 4.7), dymos=(841, 1.2)),
        "wan2.1-14b": _column(735, alg=(811, 10.3), dymos=(749, 1.9)),
        "hunyuanvideo-1.5": _column(486, alg=(515, 5.9), dymos=(503, 3.5)),
        "cogvideox-5b": _column(232, alg=(235, 1.3), dymos=(242, 4.3)),
    }
)
"""By the name of the preset, in the paper's order."""

AIMS: Final[Mapping[str, float]] = MappingProxyType({"dymos": 1.0, "fused": 10.0})
"""Per cent over the baseline that this package aims to stay below, by method."""


def published_rows() -> list[dict[str, object]]:
    """Return Table 5 as rows with the columns of a measurement that it has: pair, method, device, seconds, ratio."""
    rows: list[dict[str, object]] = []
    for pair, column in TABLE_5.items():
        baseline = {
            "pair": pair,
            "method": "baseline",
            "device": DEVICE,
            "seconds": column.baseline_seconds,
            "ratio": 1.0,
        }
        rows.append(baseline)
        for method, percent in column.percent.items():
            # The percentage as printed: that of the rounded seconds differs by up to a tenth.
            ratio = 1.0 + percent / 100.0
            rows.append(
                {"pair": pair, "method": method, "device": DEVICE, "seconds": column.seconds[method], "ratio": ratio}
            )
    return rows
