"""What λ does is its direct effect and the network's reaction: nothing is lost between them."""

from dataclasses import replace

import numpy as np
import pytest

from dymos_probe.errors import InputError
from dymos_probe.store import Condition, Run, extend_study, forget_run, open_study, write_run
from dymos_probe.testing.synthetic import SMALL, synthetic_study, tilt

PLAIN = {"arm": "i2v", "step_ratio": 1.0, "schedule": "uniform", "method": "dymos", "key_frame": 0, "branches": "cond",
         "layers": "", "heads": ""}  # fmt: skip


def add_run(known, name, lam, strength, **changes):
    """Add the condition λ whose runs are the untouched ones tilted by ``strength`` instead."""
    extend_study(known.path, conditions=[Condition(id=name, lam=lam, **PLAIN | changes)])
    source = open_study(known.path).sel(condition="i2v")
    for number, sample in enumerate(known.samples):
        maps, mass = (part["i2v"][number] for part in (known.attention, known.text_mass))
        maps, mass = tilt(maps, mass, strength)
        rest = {key: source[key].sel(sample=sample).values for key in ("timestep", "sigma", "expert")}
        write_run(
            known.path,
            Run(sample=sample, condition=name, attention=maps.astype("f4"), text_mass=mass.astype("f4"), **rest),
        )


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    path = tmp_path_factory.mktemp("studies") / "study"
    return synthetic_study(path, samples=2, lams=(-1.0, 0.6), shape=replace(SMALL, response=(0.6, 2.0)), excess=0.3)


@pytest.fixture(scope="module")
def ds(known):
    add_run(known, "half undone", 2.0, 1.0)
    add_run(known, "undone", 3.0, 0.0)
    add_run(known, "overturned", 4.0, -0.5)
    return open_study(known.path)


def dominance(strength):
    odds = 0.5 / 0.5 * np.exp(-strength)  # of 0.2 + 0.3
    return odds / (1 + odds)


def test_a_run_that_is_the_direct_effect_has_no_reaction(ds):
    result = ds.probe.reaction().sel(lam=[-1.0, 0.6])
    for lam in (-1.0, 0.6):
        change = dominance(lam) - 0.5
        for name in ("measured_change", "direct_change"):
            np.testing.assert_allclose(result[name].sel(lam=lam), change, atol=1e-6)
    np.testing.assert_allclose(result["reaction"], 0.0, atol=1e-6)
    np.testing.assert_allclose(result["direct_share"], 1.0, atol=1e-5)
    np.testing.assert_allclose(result["map_reaction"], 0.0, atol=1e-9)
    assert (result["map_effect"] > 1e-3).all()
    np.testing.assert_allclose(result["counterfactual_distance"], result["measured_distance"], atol=1e-7)


def test_parts_add_up_and_the_share_is_of_the_measured_change(ds):
    result = ds.probe.reaction()
    np.testing.assert_allclose(result["direct_change"] + result["reaction"], result["measured_change"], atol=1e-15)
    half = result.sel(lam=2.0)
    measured, direct = dominance(1.0) - 0.5, dominance(2.0) - 0.5
    np.testing.assert_allclose(half["reaction"], measured - direct, atol=1e-6)
    np.testing.assert_allclose(half["direct_share"], direct / measured, atol=1e-4)
    assert float(half["direct_share"]) > 1 and half["share_undefined"].item() == ""
    assert float(half["map_reaction"]) > 1e-3
    measured_d = ds.probe.distance()
    np.testing.assert_allclose(result["measured_distance"], measured_d.sel(lam=result["lam"]), atol=1e-9)
    direct_d = ds.probe.counterfactual_distance(result["lam"].values)
    np.testing.assert_allclose(result["counterfactual_distance"], direct_d, atol=1e-6)


def test_where_no_share_is_defined_the_reason_is_said(ds):
    result = ds.probe.reaction()
    assert "did not change" in result["share_undefined"].sel(lam=3.0).item()
    assert "against the direct effect" in result["share_undefined"].sel(lam=4.0).item()
    assert result["direct_share"].isnull().values.tolist() == [False, False, False, True, True]
    assert not result.drop_vars("direct_share").isnull().any().to_array().any()


def test_each_strength_says_whether_its_direct_part_is_exact(ds):
    assert ds.probe.reaction()["exact"].values.tolist() == [False, True, True, False, False]


def test_the_branch_that_is_left_alone_has_only_a_reaction(ds):
    result = ds.probe.reaction(branch="uncond")
    np.testing.assert_allclose(result["direct_change"], 0.0, atol=1e-12)
    # The modulations of a synthetic study leave it alone; those added here do not.
    assert "did not change" in result["share_undefined"].sel(lam=0.6).item()
    np.testing.assert_allclose(result["reaction"].sel(lam=2.0), dominance(1.0) - 0.5, atol=1e-6)
    np.testing.assert_allclose(result["direct_share"].sel(lam=2.0), 0.0, atol=1e-12)


def test_it_stands_on_samples_complete_everywhere_and_needs_a_run(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=3, lams=(0.6, 1.0))
    for sample in known.samples:
        forget_run(known.path, sample, "i2v lam=1")
    forget_run(known.path, "sample-0", "i2v lam=0.6")
    result = open_study(known.path).probe.reaction()
    assert (result.attrs["samples_used"], result.attrs["conditions_dropped"]) == (2, "i2v lam=1")
    assert result["lam"].values.tolist() == [0.6]
    with pytest.raises(InputError, match="no λ but 0 was run"):
        open_study(synthetic_study(tmp_path / "bare", lams=()).path).probe.reaction()


def test_a_matched_schedule_needs_its_table(tmp_path):
    from dymos_probe.bias import matched_name

    table = ((0.0, 1.0, 1.0, 1.0),) * 3
    known = synthetic_study(tmp_path / "study", lams=())
    add_run(known, "matched", 0.5, 0.5, schedule=matched_name(table))
    ds = open_study(known.path)
    with pytest.raises(InputError, match="is a table of the study; give it as matched"):
        ds.probe.reaction()
    np.testing.assert_allclose(ds.probe.reaction(matched=table)["direct_share"], 1.0, atol=1e-5)
    add_run(known, "plain", 0.5, 0.5)
    with pytest.raises(InputError, match="but the schedule is 'uniform'"):
        open_study(known.path).probe.reaction(schedule="uniform", matched=table)
