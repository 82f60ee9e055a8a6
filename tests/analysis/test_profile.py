"""The profile is the mean of each diagonal, and with the reference frame and text nothing is lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dymos_probe.errors import InputError
from dymos_probe.store import open_study
from dymos_probe.testing.synthetic import synthetic_study


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return synthetic_study(tmp_path_factory.mktemp("studies") / "study", samples=2, lams=(1.0,))


@pytest.fixture(scope="module")
def ds(known):
    return open_study(known.path)


def test_it_is_the_mean_of_every_diagonal(ds, known):
    result = ds.probe.profile(early=0.5, keep=("head", "layer"))
    assert result["mass"].dims == ("condition", "head", "layer", "frame_distance")
    assert result["reference"].dims == ("condition", "head", "layer", "query_frame")
    assert result["frame_distance"].values.tolist() == [-2, -1, 0, 1, 2]
    assert result["query_frame"].values.tolist() == [1, 2, 3]
    for label in known.conditions:
        maps = known.attention[label][:, 0, :3].mean(axis=(0, 1)).swapaxes(0, 1)
        for away in result["frame_distance"].values:
            diagonal = np.diagonal(maps[..., 1:, 1:], offset=away, axis1=-2, axis2=-1).mean(axis=-1)
            np.testing.assert_allclose(
                result["mass"].sel(condition=label, frame_distance=away), diagonal, rtol=1e-5, err_msg=str(away)
            )
        np.testing.assert_allclose(result["reference"].sel(condition=label), maps[..., 1:, 0], rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.sets(st.sampled_from(range(6)), min_size=1), st.sets(st.sampled_from(range(3)), min_size=1))
def test_mass_reference_and_text_make_up_all_rows(ds, known, steps, layers):
    result = ds.probe.profile(steps=sorted(steps), layers=sorted(layers)).compute()
    pairs = 3 - abs(result["frame_distance"])
    text = ds["text_mass"].sel(branch="cond", step=sorted(steps), layer=sorted(layers)).isel(query_frame=slice(1, None))
    text = text.mean(["sample", "step", "layer", "head"]).sum("query_frame")
    whole = (result["mass"] * pairs).sum("frame_distance") + result["reference"].sum("query_frame") + text
    np.testing.assert_allclose(whole, 3.0, rtol=1e-5)


def test_it_is_lazy_and_says_what_it_stands_on(ds):
    result = ds.probe.profile(conditions=("t2v",))
    assert result["mass"].chunks is not None and result["reference"].chunks is not None
    assert (result.attrs["samples_used"], result.attrs["early"]) == (2, 0.1)
    with pytest.raises(InputError, match="dims that can be kept are sample, step, layer, head"):
        ds.probe.profile(keep=("query_frame",))
