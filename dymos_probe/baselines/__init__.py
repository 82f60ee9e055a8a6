"""Methods that the modulation of Eq. 6 is compared with."""

from dymos_probe.baselines.alg import ALG
from dymos_probe.baselines.published import changed, published

__all__ = ["ALG", "changed", "published"]
