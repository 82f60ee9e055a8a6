"""The mean over the early steps that the writer kept serves the windows it is the answer of, and no other."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from dymos_probe.store import open_study
from dymos_probe.store.reader import RunArray
from dymos_probe.store.schema import AttentionShape
from dymos_probe.testing.synthetic import synthetic_study

MANY = AttentionShape(branches=("cond", "uncond"), steps=20, layers=tuple("abcdefgh"), heads=37, frames=3)


@pytest.fixture(scope="module")
def ds(tmp_path_factory):
    excess = np.random.default_rng(0).uniform(0.0, 0.5, (2, 8, 37))
    path = tmp_path_factory.mktemp("studies") / "study"
    return open_study(synthetic_study(path, lams=(0.6,), shape=MANY, excess=excess).path)


@pytest.fixture
def read(monkeypatch):
    """Names of the variables read from the store, marks apart."""
    names, plain = set(), RunArray.__getitem__

    def noting(self, key):
        if self.complete is not None:
            names.add(self.name)
        return plain(self, key)

    monkeypatch.setattr(RunArray, "__getitem__", noting)
    return names


@pytest.mark.parametrize(
    "options",
    [
        {"layers": (3,), "heads": (0, 36)},
        {"keep": ("layer", "head")},
        {"keep": ("sample", "head"), "steps": (1, 0)},
        {"keep": ("layer",), "samples": ("sample-1",), "branch": "uncond", "early": 0.06},
    ],
    ids=str,
)
def test_it_and_the_maps_agree(ds, read, options):
    kept = ds.probe.difference(**options).compute()
    assert read == {"attention_early"}
    read.clear()
    made = ds.drop_vars("attention_early").probe.difference(**options).compute()
    assert read == {"attention"}
    xr.testing.assert_allclose(kept, made, atol=5e-8)
    assert kept.attrs == made.attrs and float(np.abs(made).max()) > 0.01


@pytest.mark.parametrize(
    "options",
    [
        {"heads": (1,), "early": 0.15},
        {"heads": (1,), "early": 0.01},
        {"heads": (1,), "steps": (0, 2)},
        {"heads": (1,), "keep": ("step",)},
    ],
    ids=str,
)
def test_other_steps_are_read_from_the_maps(ds, read, options):
    ds.probe.difference(**options).compute()
    assert read == {"attention"}


def test_all_heads_in_one_mean_are_still_the_cheapest(ds, read):
    ds.probe.difference().compute()
    assert read == {"attention_mean"}


def test_a_dataset_of_other_steps_is_not_answered_from_it(ds, read):
    later = ds.isel(step=slice(10, None)).probe.difference(early=0.2, heads=(1,)).compute()
    assert read == {"attention"}
    np.testing.assert_allclose(later, ds.probe.difference(steps=(10, 11), heads=(1,)), atol=1e-9)
    first = ds.isel(step=slice(0, 10)).probe.difference(early=0.2, heads=(1,)).compute()
    np.testing.assert_allclose(first, ds.probe.difference(steps=(0, 1), heads=(1,)), atol=5e-8)


def test_a_dataset_of_some_heads_is_answered_from_those(ds):
    few = ds.isel(head=slice(0, 3)).probe.difference(keep=("head",)).compute()
    np.testing.assert_allclose(few, ds.probe.difference(keep=("head",)).isel(head=slice(0, 3)), atol=5e-8)
