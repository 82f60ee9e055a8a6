"""The direct effect of λ is the same from the means the writer kept and from the maps themselves."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dymos_probe.analysis.tilted import means_of_tilted, tilt_weights
from dymos_probe.analysis.window import window
from dymos_probe.store import open_study
from dymos_probe.store.reader import RunArray
from dymos_probe.store.schema import TILTS, AttentionShape
from dymos_probe.store.summaries import tilted_means
from dymos_probe.testing.synthetic import synthetic_study

MANY = AttentionShape(branches=("cond", "uncond"), steps=6, layers=tuple("abcdefgh"), heads=37, frames=4)
LAMS = (-2.5, 0.0, 0.4, 5.9)


@pytest.fixture(scope="module")
def ds(tmp_path_factory):
    return open_study(synthetic_study(tmp_path_factory.mktemp("studies") / "study", lams=(0.6,), shape=MANY).path)


@pytest.fixture
def read(monkeypatch):
    """Names of the variables read from the store."""
    names, plain = set(), RunArray.__getitem__

    def noting(self, key):
        names.add(self.name)
        return plain(self, key)

    monkeypatch.setattr(RunArray, "__getitem__", noting)
    return names


def before_it_was_kept(ds):
    return ds.drop_vars(["attention_tilted", "tilt"])


WINDOWS = [
    {},
    {"early": 1.0},
    {"early": 1.0, "step_ratio": 0.5},
    {"steps": (1, 4), "step_ratio": 0.4},
    {"samples": ("sample-1",)},
    {"keep": ("sample",)},
    {"early": 0.5, "keep": ("step", "sample"), "step_ratio": 0.2},
    {"schedule": "linear"},
    {"schedule": "log", "early": 0.5, "keep": ("step",)},
    {"branch": "uncond"},
    {"condition": "t2v"},
]


@pytest.mark.parametrize("options", WINDOWS, ids=str)
def test_kept_means_and_maps_agree_in_every_window_they_serve(ds, read, options):
    kept = ds.probe.counterfactual(LAMS, **options).compute()
    if "branch" not in options:  # in which λ changes nothing, so that maps as recorded are exact
        assert "attention_tilted" in read and "attention" not in read
    made = before_it_was_kept(ds).probe.counterfactual(LAMS, **options).compute()
    assert kept.attrs == made.attrs
    for name in ("attention", "text_mass"):
        assert kept[name].dims == made[name].dims
        np.testing.assert_allclose(kept[name], made[name], atol=5e-7)
        assert kept[name].drop_attrs().coords.equals(made[name].drop_attrs().coords)


@pytest.mark.parametrize("options", [{}, {"text": "bin"}, {"keep": ("step",), "early": 1.0}], ids=str)
def test_distances_agree_too(ds, options):
    kept = ds.probe.counterfactual_distance(LAMS, **options).compute()
    made = before_it_was_kept(ds).probe.counterfactual_distance(LAMS, **options).compute()
    np.testing.assert_allclose(kept, made, atol=5e-7)
    assert kept.attrs == made.attrs


@pytest.mark.parametrize(
    "choice",
    [{"layers": (2,)}, {"heads": (0, 5)}, {"keep": ("layer",)}, {"lam": (0.5, 6.5)}, {"order": "distance_first"}],
    ids=str,
)
def test_what_means_cannot_tell_is_read_from_the_maps(ds, read, choice):
    ds.probe.counterfactual_distance(**({"lam": (0.5,)} | choice)).compute()
    assert "attention" in read and "attention_tilted" not in read


def test_a_dataset_cut_to_some_heads_is_not_taken_for_what_the_means_are_of(ds, read):
    few = ds.isel(head=slice(0, 3)).probe.counterfactual([1.0])["attention"].compute()
    assert "attention" in read and "attention_tilted" not in read
    np.testing.assert_allclose(few, ds.probe.counterfactual([1.0], heads=(0, 1, 2))["attention"], atol=1e-9)


def test_maps_give_what_each_of_them_tilted_and_averaged_gives(ds):
    """The fast way against the plain one, which keeps every head."""
    each = ds.probe.counterfactual(LAMS, keep=("head", "layer"), schedule="linear").compute()
    fast = before_it_was_kept(ds).probe.counterfactual(LAMS, schedule="linear").compute()
    for name in ("attention", "text_mass"):
        np.testing.assert_allclose(fast[name], each[name].mean(("head", "layer")), atol=1e-12)


def test_a_model_without_text_has_none_either_way(tmp_path):
    ds = open_study(synthetic_study(tmp_path / "study", lams=(0.6,), shape=MANY, text=0.0).path)
    mass = ds.probe.counterfactual(LAMS)["text_mass"]
    assert float(mass.min()) >= 0.0 and float(mass.max()) < 1e-6
    assert ds.probe.counterfactual_distance(LAMS, text="bin").notnull().all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), peaked=st.sampled_from([0.02, 0.3, 5.0]), strength=st.floats(-6.0, 6.0))
def test_means_at_a_few_strengths_are_the_means_at_all_strengths_between(seed, peaked, strength):
    # Rows and text that sum to one; with 0.02 nearly all of each is on one key.
    whole = np.random.default_rng(seed).dirichlet(np.full(5, peaked), size=(4, 5, 3))
    attention, text = whole[..., :4], whole[..., 4]
    nodes = np.array(TILTS)[:, None] * np.ones(3)
    kept = tilted_means(attention, text, nodes)[0].astype(np.float32)
    asked = np.array([[strength, strength / 2.0, -strength]])
    by_weights = np.einsum("lft,tfk->lfk", tilt_weights(TILTS, asked), kept)
    np.testing.assert_allclose(by_weights, tilted_means(attention, text, asked)[0], atol=3e-7)


def test_it_is_lazy(ds, read):
    strengths = xr.DataArray(np.ones((1, 1, 4)), dims=("lam", "step", "query_frame"), coords={"lam": [1.0]})
    maps, mass = means_of_tilted(ds, "i2v", ["sample-0"], strengths, within=window(ds, {}, early=0.1), keep=())
    assert not read and maps.chunks is not None and mass.chunks is not None
