"""The strengths λ that bring each layer's reference mass, query frame by query frame, to the T2V run's."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import logit

from dymos_probe.analysis.select import complete_samples, i2v_condition, t2v_condition
from dymos_probe.analysis.window import recorded_in, window
from dymos_probe.bias import Bias, MatchedTable
from dymos_probe.errors import InputError
from dymos_probe.store.schema import ATTENTION, HEAD, KEY_FRAME, LAYER, QUERY_FRAME, SAMPLE, STEP

DECIMALS = 4
"""Of a strength: finer than any effect, and coarse enough that the same runs always give the same table."""


def matched_strengths(ds: xr.Dataset, *, step_ratio: float = 1.0, branch: str = "cond") -> xr.DataArray:
    """Return λ[layer, f] = logit(A_I2V[f, 0]) − logit(A_T2V[f, 0]), float64 (layer, query_frame), nats; 0 at f = 0.

    Subtracting λ from the logits of frame 0 multiplies its odds by exp(−λ) (Eq. 6), so a row of the
    untouched I2V run with the mass A_I2V[f, 0] has T2V's mass at this λ. The masses are averaged
    first, over the samples complete in both arms, heads and the modulated steps, and one logit is
    taken of each mean: what is matched is the mass a layer gives the reference frame, and a head that
    hardly looks at it, whose logit is far off and noisy, counts for as little as its mass.

    It is one pass of matching and exact for a single row alone: the mean of many tilted rows is not
    the tilted mean, and the network's reaction, what λ does to the queries and keys of later layers
    and steps, is not in it.

    Parameters
    ----------
    ds
        A study, from ``open_study``.
    step_ratio
        Fraction of the steps that will be modulated, from the first, in (0, 1]; those are matched.
    branch
        Branch of classifier-free guidance.

    Raises
    ------
    InputError
        When no sample is complete in both arms, no step would be modulated, or a mean mass is 0 or 1, whose
        logit is infinite.
    """
    steps = Bias(lam=1.0, step_ratio=step_ratio).modulated_steps(ds.sizes[STEP])
    if not steps:
        raise InputError(f"step_ratio {step_ratio:g} modulates no step, so there is nothing to match; 0.2 is a fifth")
    within = window(ds, {"steps": range(steps), "branch": branch}, early=1.0)
    t2v, i2v = t2v_condition(ds), i2v_condition(ds, 0.0)
    samples = complete_samples(ds, [t2v, i2v])

    def odds(condition: str) -> xr.DataArray:
        maps = recorded_in(ds, ATTENTION, condition, samples, within).astype(np.float64)
        later = maps.isel({KEY_FRAME: 0, QUERY_FRAME: slice(1, None)}, drop=True)
        masses = later.mean([SAMPLE, STEP, HEAD]).transpose(LAYER, QUERY_FRAME).reset_coords(drop=True).compute()
        for layer, frame in np.argwhere(~((masses > 0.0) & (masses < 1.0)).values).tolist():
            raise InputError(
                f"in layer {layer} query frame {frame + 1} of {condition} has the mean mass "
                f"{float(masses[layer, frame]):g} on the reference frame; no finite λ matches a mass of 0 or 1"
            )
        return masses.copy(data=logit(masses.values))

    matched = (odds(i2v) - odds(t2v)).round(DECIMALS)
    matched = matched.pad({QUERY_FRAME: (1, 0)}, constant_values=0.0).assign_coords({QUERY_FRAME: ds[QUERY_FRAME]})
    return matched.rename("matched_strengths").assign_attrs(
        long_name="strength λ that matches the reference mass of T2V",
        units="nats",
        conditions=f"{i2v} to {t2v}",
        branch=branch,
        step_ratio=step_ratio,
        steps_matched=steps,
        samples_used=len(samples),
        samples_total=ds.sizes[SAMPLE],
    )


def as_table(strengths: xr.DataArray) -> MatchedTable:
    """Return (layer, query_frame) strengths as `Bias.matched` takes them."""
    return tuple(tuple(float(v) + 0.0 for v in row) for row in strengths.transpose(LAYER, QUERY_FRAME).values)
