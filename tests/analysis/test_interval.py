"""An interval holds its value, has the dims of its analysis, and is what a loop over drawn samples gives."""

import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import jensenshannon

from dymos_probe.analysis import per_sample
from dymos_probe.analysis.bootstrap import resampling_weights
from dymos_probe.errors import InputError
from dymos_probe.store import open_study
from dymos_probe.testing.synthetic import synthetic_study

LAMS = (-1.0, 0.6, 2.0, float("inf"))
SAMPLES = 6


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    excess = np.linspace(0.05, 0.4, SAMPLES)[:, None, None]
    path = tmp_path_factory.mktemp("studies") / "study"
    return synthetic_study(path, samples=SAMPLES, lams=LAMS, excess=excess, dominance=0.2)


@pytest.fixture(scope="module")
def ds(known):
    return open_study(known.path)


CASES = [
    ("difference", {}),
    ("difference", {"lam": 0.6, "keep": ("head", "step"), "early": 0.5}),
    ("dominance", {"conditions": ("i2v", "t2v"), "keep": ("query_frame",)}),
    ("dominance", {"keep": ("layer", "head"), "steps": (1, 4)}),
    ("entropy", {"keep": ("head",), "text": "bin"}),
    ("distance", {}),
    ("distance", {"text": "bin", "base": 2, "samples": ("sample-1", "sample-3", "sample-4")}),
    ("distance", {"keep": ("query_frame", "layer"), "layers": (0, 2)}),
    ("distance", {"order": "distance_first", "keep": ("step", "head"), "early": 0.5}),
    ("distance", {"keep": ("head", "step", "query_frame"), "early": 0.5}),
]


@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("part_bytes", [per_sample._PART_BYTES, 1], ids=["whole", "step by step"])
def test_the_value_is_that_of_the_analysis_within_its_bounds(ds, name, options, part_bytes, monkeypatch):
    monkeypatch.setattr(per_sample, "_PART_BYTES", part_bytes)
    result = ds.probe.interval(name, resamples=200, **options)
    analysis = getattr(ds.probe, name)(**options).compute()
    assert result["value"].dims == result["low"].dims == result["high"].dims == analysis.dims
    for dim in analysis.dims:
        xr.testing.assert_equal(result[dim].reset_coords(drop=True), analysis[dim].reset_coords(drop=True))
    np.testing.assert_allclose(result["value"], analysis, rtol=1e-5, atol=1e-9)
    assert (result["low"] <= result["value"]).all() and (result["value"] <= result["high"]).all()
    assert (result.attrs["level"], result.attrs["resamples"]) == (0.95, 200)
    assert result.attrs["samples_used"] == len(options.get("samples", known_samples(ds)))
    assert result["value"].attrs["units"] == analysis.attrs["units"]


def known_samples(ds):
    return ds["sample"].values.tolist()


def test_bounds_are_those_of_a_loop_over_drawn_samples(ds, known):
    weights = resampling_weights(SAMPLES, 300, 7)

    def bounds(statistic):
        return np.quantile([statistic(np.repeat(np.arange(SAMPLES), w)) for w in counts], [0.05, 0.95], axis=0)

    counts = np.rint(weights * SAMPLES).astype(int)
    i2v, t2v = (known.attention[label][:, 0, :1] for label in ("i2v", "t2v"))
    result = ds.probe.interval("difference", level=0.9, resamples=300, seed=7)
    low, high = bounds(lambda drawn: (i2v - t2v)[drawn].mean(axis=(0, 1, 2, 3)))
    np.testing.assert_allclose(result["low"], low, atol=1e-7)
    np.testing.assert_allclose(result["high"], high, atol=1e-7)

    def of_drawn(drawn):
        p, q = (maps[drawn].mean(axis=(0, 1, 2, 3))[1:] for maps in (i2v, t2v))
        return (jensenshannon(p, q, axis=-1) ** 2).mean()

    low, high = bounds(of_drawn)
    result = ds.probe.interval("distance", level=0.9, resamples=300, seed=7).sel(lam=0.0)
    np.testing.assert_allclose((result["low"], result["high"]), (low, high), rtol=1e-4)
    assert low < result["value"] < high and high - low > 0.1 * high


def test_more_confidence_is_wider_and_a_seed_draws_the_same(ds):
    wide, narrow = (ds.probe.interval("dominance", level=level, resamples=500) for level in (0.99, 0.5))
    spread = [(each["high"] - each["low"]).sel(condition="i2v") for each in (wide, narrow)]
    assert spread[0] > 2 * spread[1] > 0.0
    xr.testing.assert_identical(wide, ds.probe.interval("dominance", level=0.99, resamples=500))


def test_one_sample_has_a_value_and_no_bounds(ds):
    for name in ("difference", "distance"):
        result = ds.probe.interval(name, samples=("sample-2",))
        assert not result["value"].isnull().any()
        assert result["low"].isnull().all() and result["high"].isnull().all()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("profile", {}, "no interval of 'profile'; choose one of difference, dominance, distance, entropy"),
        ("dominance", {"keep": ("sample",)}, "leave sample out of keep"),
        ("distance", {"keep": ("key_frame",)}, "dims that can be kept"),
        ("distance", {"level": 1.5}, r"level 1\.5 is outside"),
        ("difference", {"resamples": 10}, "resamples 10 cannot show a level of 0.95; give 40 or more"),
        ("difference", {"layers": (9,)}, "layers has 9"),
    ],
)
def test_what_has_no_interval_is_refused(ds, name, options, words):
    with pytest.raises(InputError, match=words):
        ds.probe.interval(name, **options)
