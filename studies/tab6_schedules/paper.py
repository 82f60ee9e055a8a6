"""Table 6 (Appendix D.2): Wan 2.2 at the λ and step ratio of the main experiments."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from studies.reproduction.paper import Row

TABLE_6: Final[Mapping[str, Row]] = MappingProxyType(
    {
        name: Row(place=f"Table 6, {name}", values=values)
        for name, values in (
            ("Uniform", (64.8, 2.84, 57.7, 0.2621, 0.143)),
            ("Linear", (56.1, 2.82, 57.9, 0.2598, 0.143)),
            ("Log", (60.2, 2.80, 57.7, 0.2597, 0.141)),
        )
    }
)
"""Every row, in order."""

UNIFORM_MOST: Final = "Appendix D.2, Table 6: Uniform has the highest Dynamic Degree"
QUALITY: Final = "Appendix D.2, Table 6: at comparable Video Quality"
