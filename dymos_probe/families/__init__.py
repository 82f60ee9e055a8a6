"""Architecture families: one small file each, all of one shape."""

from dymos_probe.families.base import Arm, Family, Generation, Site, denoisers
from dymos_probe.families.registry import FAMILIES, family_named, family_of

__all__ = ["FAMILIES", "Arm", "Family", "Generation", "Site", "denoisers", "family_named", "family_of"]
