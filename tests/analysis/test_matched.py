"""The matched strengths bring the mean reference mass to T2V's, layer by layer and frame by frame."""

import numpy as np
import pytest
from scipy.special import logit

from dymos_probe.analysis.matched import as_table
from dymos_probe.errors import InputError
from dymos_probe.store import Run, forget_run, open_study, write_run
from dymos_probe.testing.synthetic import synthetic_study


def test_one_excess_everywhere_is_one_strength_everywhere(tmp_path):
    known = synthetic_study(tmp_path / "study", lams=(), excess=0.3)
    strengths = open_study(known.path).probe.matched_strengths(step_ratio=0.5)
    assert strengths.dims == ("layer", "query_frame") and strengths.shape == (3, 4)
    np.testing.assert_array_equal(strengths.isel(query_frame=0), 0.0)
    np.testing.assert_allclose(strengths.isel(query_frame=slice(1, None)), known.closest_lam, atol=1e-4)
    assert strengths.attrs["steps_matched"] == 3 and strengths.attrs["samples_used"] == 2


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Two samples whose T2V maps were replaced by ones of uneven mass."""
    known = synthetic_study(tmp_path_factory.mktemp("studies") / "study", lams=())
    source, rng = open_study(known.path).sel(condition="t2v").load(), np.random.default_rng(3)
    for sample in known.samples:
        run = source.sel(sample=sample)
        maps = rng.dirichlet(np.ones(4), size=run["attention"].shape[:-1]).astype("f4")
        rest = {key: run[key].values for key in ("timestep", "sigma", "expert")}
        mass = np.zeros(maps.shape[:-1], dtype="f4")
        write_run(known.path, Run(sample=sample, condition="t2v", attention=maps, text_mass=mass, **rest))
    return known


def test_masses_are_averaged_over_samples_heads_and_modulated_steps_before_the_logit(uneven):
    ds = open_study(uneven.path)
    strengths = ds.probe.matched_strengths(step_ratio=1 / 3)
    masses = ds["attention"].sel(branch="cond").isel(step=slice(2), key_frame=0).astype(float)
    mean = masses.mean(["sample", "step", "head"]).values[..., 1:]
    np.testing.assert_allclose(strengths[:, 1:], logit(mean[1]) - logit(mean[0]), atol=5.1e-5)
    by_logits = (logit(masses[:, 1]) - logit(masses[:, 0])).mean(["sample", "step", "head"])[..., 1:]
    assert np.abs(by_logits - strengths[:, 1:].values).max() > 0.05


def test_the_table_is_the_same_for_the_same_runs_and_fits_a_bias(uneven):
    from dymos_probe.bias import Bias

    tables = [as_table(open_study(uneven.path).probe.matched_strengths()) for _ in range(2)]
    assert tables[0] == tables[1]
    bias = Bias(lam=2.0, schedule="matched", matched=tables[0])
    np.testing.assert_array_equal(bias.strengths(4, layer=1), 2.0 * np.array(tables[0][1]))


def test_what_cannot_be_matched_is_refused(tmp_path):
    known = synthetic_study(tmp_path / "study", lams=())
    ds = open_study(known.path)
    with pytest.raises(InputError, match="modulates no step"):
        ds.probe.matched_strengths(step_ratio=0.0)
    nothing = ds["attention"].where((ds["condition"] != "t2v") | (ds["key_frame"] != 0) | (ds["query_frame"] != 2), 0.0)
    with pytest.raises(InputError, match="in layer 0 query frame 2 of t2v has the mean mass 0"):
        ds.assign(attention=nothing.transpose(*ds["attention"].dims)).probe.matched_strengths()
    for sample in known.samples:
        forget_run(known.path, sample, "t2v")
    with pytest.raises(InputError, match="no sample is complete"):
        open_study(known.path).probe.matched_strengths()
