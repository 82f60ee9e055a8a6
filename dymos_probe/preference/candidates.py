"""What can be compared: conditions of a recorded study, and the samples that have a video under each of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.store.schema import COMPLETE, CONDITION, METHOD, SAMPLE, UNTOUCHED, video_path

_PLAIN = {"bias_key_frame": 0, "bias_branches": "cond", "bias_layers": "", "bias_heads": "", "bias_query_frames": ""}
"""What the paper modulates; anything else is a control or a part of it."""


def default_conditions(ds: xr.Dataset, *, lam: float | None = None) -> tuple[str, str, str]:
    """Return the three conditions of the paper's user study as far as they are recorded.

    They are the untouched I2V model, ALG, and the I2V model at ``lam`` or, where that is not recorded, at the λ most
    samples are complete at, of several the least above 0. Where there is no ALG or no λ, further λ and at last the
    T2V model take their place.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    lam
        λ published for the pair of models, natural-log units.

    Raises
    ------
    InputError
        When the study has no untouched I2V runs, or fewer than three conditions.
    """
    labels = [str(label) for label in ds[CONDITION].values]
    runs = dict(zip(labels, ds[COMPLETE].sum(SAMPLE).values.tolist(), strict=True))
    arm, method, strength = (
        dict(zip(labels, ds[name].values.tolist(), strict=True)) for name in ("arm", METHOD, "lam")
    )
    there = [label for label in labels if runs[label]]
    untouched = [label for label in there if arm[label] == "i2v" and method[label] == UNTOUCHED]
    if not untouched:
        raise InputError("the study has no run of the untouched I2V model; `probe record` makes them")
    alg = [label for label in there if method[label] == "alg"]
    modulated = sorted(
        (label for label in there if arm[label] == "i2v" and method[label] == "dymos" and _is_plain(ds, label)),
        key=lambda label: (strength[label] != lam, -runs[label], strength[label] <= 0, abs(strength[label])),
    )
    t2v = [label for label in there if arm[label] == "t2v" and method[label] == UNTOUCHED]
    rest = [*alg[1:], *modulated[1:], *t2v]
    chosen = [untouched[0], *alg[:1], *modulated[:1], *rest][:3]
    if len(chosen) < 3:
        raise InputError(
            f"three conditions are compared, and the study has {len(chosen)} that could be; "
            "`probe intervene STUDY --lam=1` or `--method alg` adds one"
        )
    return chosen[0], chosen[1], chosen[2]


def comparable_samples(study: Path, ds: xr.Dataset, conditions: Sequence[str]) -> list[str]:
    """Return the samples that are complete under every one of ``conditions``, with all videos and the image there.

    Parameters
    ----------
    study
        Folder of the study.
    ds
        The study, from ``open_study``.
    conditions
        Ids.
    """
    whole = np.asarray(ds[COMPLETE].sel({CONDITION: list(conditions)}).all(CONDITION).values)
    samples = [str(sample) for sample in ds[SAMPLE].values[whole]]
    images = dict(zip(samples, ds["image"].values[whole].tolist(), strict=True))
    return [
        sample
        for sample in samples
        if (study / images[sample]).is_file() and all(video_path(study, sample, each).is_file() for each in conditions)
    ]


def _is_plain(ds: xr.Dataset, label: str) -> bool:
    row = ds.sel({CONDITION: label})
    return all(row[name].item() == plain for name, plain in _PLAIN.items())
