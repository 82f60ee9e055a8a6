"""The settings ALG is published with, by model: down_up in latent space, an interval from the first step.

CogVideoX, Wan 2.1 and HunyuanVideo from the configurations of https://github.com/choi403/ALG. That of Wan 2.2
A14B and HunyuanVideo-1.5 only has its interval published (DyMoS, Table 5); r₀ is that of the same family's
other model. TI2V-5B is run as Wan 2.1.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, Final

from dymos_probe.baselines.alg import ALG
from dymos_probe.errors import InputError

_OF_FAMILY: Final = {
    "cogvideox": ALG(resize_factor=0.25, interval_end=0.04),
    "wan": ALG(resize_factor=0.4, interval_end=0.2),
    "hunyuanvideo": ALG(resize_factor=0.625, interval_end=0.04),
    "hunyuanvideo-1.5": ALG(resize_factor=0.625, interval_end=0.04),
}
_OF_PRESET: Final = {"wan2.2-a14b": ALG(resize_factor=0.4, interval_end=0.1)}


def published(family: str, preset: str | None = None) -> ALG:
    """Return the published settings of a model by the name of its family and, where it has one, of its preset.

    Raises
    ------
    InputError
        When ALG is not published for the family.
    """
    found = _OF_PRESET.get(preset or "") or _OF_FAMILY.get(family)
    if found is None:
        raise InputError(f"ALG is not published for {family}; it is for {', '.join(_OF_FAMILY)}")
    return found


def changed(alg: ALG, **settings: Any) -> ALG:
    """Return ``alg`` with other ``settings``; those of a filter or strength that is given up go with it.

    Raises
    ------
    InputError
        When a name is no field of `ALG`, or a value does not fit.
    """
    known = [each.name for each in fields(ALG)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise InputError(f"{unknown[0]} {settings[unknown[0]]!r} is no setting of ALG; it has {', '.join(known)}")
    kept = asdict(alg)
    for choice, prefixes in (("filter", ("resize_", "blur_")), ("strength", ("interval_", "linear_", "exp_"))):
        if settings.get(choice, kept[choice]) != kept[choice]:
            kept = {name: value for name, value in kept.items() if not name.startswith(prefixes)}
    return ALG(**{**kept, **settings})
