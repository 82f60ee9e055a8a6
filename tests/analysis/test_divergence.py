"""d(λ) agrees with scipy, with hand computation, and with what a synthetic study must give."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import jensenshannon

from dymos_probe.analysis import jensen_shannon
from dymos_probe.errors import InputError
from dymos_probe.store import Condition, Run, extend_study, forget_run, open_study, write_run
from dymos_probe.testing.synthetic import synthetic_study

LAMS = (-1.0, 0.6, 1.0)


def rows(values):
    return xr.DataArray(values, dims=("query_frame", "key_frame"))


def scipy_jsd(p, q):
    with np.errstate(invalid="ignore"):  # of equal rows scipy may take the root of −1e-17
        return np.nan_to_num(jensenshannon(p, q, axis=-1)) ** 2


# Of denormal numbers, also those of normalised rows, scipy returns infinity.
fractions = st.just(0.0) | st.floats(1e-300, 1.0)
masses = hnp.arrays(np.float64, (3, 5), elements=fractions).filter(lambda a: (a.sum(axis=-1) > 1e-3).all())


@settings(max_examples=60, deadline=None)
@given(masses, masses)
def test_it_is_scipys_distance_squared_symmetric_and_bounded(p, q):
    ours = jensen_shannon(rows(p), rows(q)).values
    np.testing.assert_allclose(ours, scipy_jsd(p, q), atol=1e-12)
    np.testing.assert_allclose(ours, jensen_shannon(rows(q), rows(p)).values, atol=1e-15)
    assert ((ours >= 0.0) & (ours <= np.log(2.0))).all()
    np.testing.assert_allclose(jensen_shannon(rows(p), rows(p)), 0.0, atol=0.0)


def test_it_has_the_published_check_values_in_nats_and_bits():
    p, q = rows([[0.7, 0.2, 0.1]]), rows([[0.2, 0.3, 0.5]])
    np.testing.assert_allclose(jensen_shannon(p, q), 0.15136, atol=5e-6)
    bits = jensen_shannon(p, q, base=2)
    np.testing.assert_allclose(bits, 0.21836, atol=5e-6)
    assert bits.attrs["units"] == "bits"
    np.testing.assert_allclose(jensen_shannon(rows([[1.0, 0.0]]), rows([[0.0, 1.0]]), base=2), 1.0)


@pytest.mark.parametrize("bad", [[[np.nan, 1.0]], [[-0.1, 1.1]], [[0.0, 0.0]]])
def test_masses_that_are_no_distribution_are_refused(bad):
    with pytest.raises(InputError, match="divergence needs masses"):
        jensen_shannon(rows(bad), rows([[0.5, 0.5]]))


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    # λ* is among the strengths: there d is zero.
    closest = np.log((0.5 / 0.5) / (0.2 / 0.8))
    path = tmp_path_factory.mktemp("studies") / "study"
    return synthetic_study(path, samples=3, lams=(*LAMS, closest), excess=0.3, dominance=0.2)


@pytest.fixture(scope="module")
def ds(known):
    return open_study(known.path)


def by_hand(known, label, *, order, text, steps):
    def distributions(condition):
        maps = known.attention[condition][:, 0, :steps]
        if text == "bin":
            maps = np.concatenate([maps, known.text_mass[condition][:, 0, :steps, ..., None]], axis=-1)
        return maps.mean(axis=(0, 1, 2, 3)) if order == "mean_first" else maps

    p, q = distributions(label)[..., 1:, :], distributions("t2v")[..., 1:, :]
    return float(scipy_jsd(p, q).mean())


@pytest.mark.parametrize("order", ["mean_first", "distance_first"])
@pytest.mark.parametrize("text", ["renormalise", "bin"])
@pytest.mark.parametrize(("early", "steps"), [(0.1, 1), (0.5, 3)])
def test_d_is_what_scipy_gives_on_the_raw_maps(ds, known, order, text, early, steps):
    result = ds.probe.distance(order=order, text=text, early=early)
    assert result.dims == ("lam",)
    labels = result["condition"].values.tolist()
    assert (np.diff(result["lam"]) > 0).all()
    reference = [by_hand(known, label, order=order, text=text, steps=steps) for label in labels]
    np.testing.assert_allclose(result, reference, rtol=1e-4, atol=1e-9)
    assert (result.attrs["order"], result.attrs["text"], result.attrs["units"]) == (order, text, "nats")


def test_d_vanishes_where_the_modulation_undoes_the_excess(ds, known):
    result = ds.probe.distance()
    assert float(result.idxmin("lam")) == pytest.approx(known.closest_lam)
    assert float(result.min()) < 1e-12
    # With the text as a bin only the share of frame 0 matters: a divergence of two coins.
    binned = ds.probe.distance(order="distance_first", text="bin").sel(lam=0.0)
    np.testing.assert_allclose(binned, jensenshannon([0.5, 0.5], [0.2, 0.8]) ** 2, rtol=1e-5)


def test_the_base_scales_and_kept_dims_average_to_the_whole(ds):
    nats = ds.probe.distance(order="distance_first")
    np.testing.assert_allclose(ds.probe.distance(order="distance_first", base=2), nats / np.log(2), rtol=1e-12)
    kept = ds.probe.distance(order="distance_first", keep=("head", "sample", "query_frame"))
    assert kept.dims == ("lam", "head", "sample", "query_frame")
    assert kept["query_frame"].values.tolist() == [1, 2, 3]
    np.testing.assert_allclose(kept.mean(["head", "sample", "query_frame"]), nats, rtol=1e-12)
    assert kept.chunks is not None


def condition(name, **changes):
    plain = {"arm": "i2v", "lam": 2.0, "step_ratio": 1.0, "schedule": "uniform", "method": "dymos", "key_frame": 0}
    return Condition(**{"id": name, "branches": "cond", "layers": "", "heads": ""} | plain | changes)


CONTROLS = (
    condition("placebo", key_frame=2),
    condition("some layers", layers="0-1"),
    condition("one head", heads="1"),
    condition("both branches", branches="cond,uncond"),
    condition("alg", method="alg", lam=0.0),
    condition("t2v modulated", arm="t2v"),
)


def test_controls_never_enter_and_settings_are_never_mixed(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=2, lams=LAMS)
    before = open_study(known.path).probe.distance().compute()
    extend_study(known.path, conditions=[*CONTROLS, condition("short", step_ratio=0.2)])
    source = open_study(known.path).sel(condition="i2v")
    for label in (*(control.id for control in CONTROLS), "short"):
        for sample in known.samples:
            run = source.sel(sample=sample)
            recorded = {key: run[key].values for key in ("attention", "text_mass", "timestep", "sigma", "expert")}
            write_run(known.path, Run(sample=sample, condition=label, **recorded))
    ds = open_study(known.path)
    with pytest.raises(InputError, match=r"step_ratio=0\.2, schedule=uniform; step_ratio=1, schedule=uniform"):
        ds.probe.distance()
    xr.testing.assert_equal(ds.probe.distance(step_ratio=1.0).compute(), before)
    assert ds.probe.distance(step_ratio=0.2)["condition"].values.tolist() == ["i2v", "short"]
    assert ds.probe.difference(condition="placebo").attrs["conditions"] == "placebo − t2v"


def test_a_strength_without_a_run_is_named_and_every_other_stands_on_the_same_samples(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=3, lams=LAMS)
    for sample in known.samples:
        forget_run(known.path, sample, "i2v lam=1")
    forget_run(known.path, "sample-0", "i2v lam=0.6")
    result = open_study(known.path).probe.distance()
    assert result["lam"].values.tolist() == [-1.0, 0.0, 0.6]
    assert (result.attrs["conditions_dropped"], result.attrs["samples_used"]) == ("i2v lam=1", 2)
    assert not result.isnull().any()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"order": "mean"}, "order 'mean' is unknown; choose one of mean_first, distance_first"),
        ({"text": "drop"}, "choose one of renormalise, bin"),
        ({"base": 1.0}, "must be above 1"),
        ({"keep": ("key_frame",)}, "dims that can be kept"),
    ],
)
def test_unknown_choices_are_refused(ds, arguments, words):
    with pytest.raises(InputError, match=words):
        ds.probe.distance(**arguments)
