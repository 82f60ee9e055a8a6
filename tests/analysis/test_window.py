"""A window takes the steps, layers, heads and samples that are named, reads what is smallest, and refuses the rest."""

import inspect

import numpy as np
import pytest

from dymos_probe.analysis import difference, distance, dominance
from dymos_probe.analysis.window import MAPS, cheapest, window
from dymos_probe.errors import InputError
from dymos_probe.store import AttentionShape, forget_run, open_study
from dymos_probe.store.schema import ATTENTION, ATTENTION_MEAN, DOMINANCE
from dymos_probe.testing.synthetic import synthetic_study

SHAPE = AttentionShape(
    branches=("cond", "uncond"), steps=6, layers=tuple(f"blocks.{i}" for i in range(5)), heads=4, frames=3
)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    excess = np.random.default_rng(0).uniform(0.05, 0.5, (3, 5, 4))  # no sample, layer or head is like another
    path = tmp_path_factory.mktemp("studies") / "study"
    return synthetic_study(path, samples=3, lams=(0.6, 1.0), shape=SHAPE, excess=excess)


@pytest.fixture(scope="module")
def ds(known):
    return open_study(known.path)


def part(known, label, *, samples=slice(None), steps=slice(None), layers=slice(None), heads=slice(None)):
    return known.attention[label][samples, 0][:, steps][:, :, layers][:, :, :, heads]


@pytest.mark.parametrize(
    "chosen",
    [
        {"steps": (4,)},
        {"steps": (0, 2, 3, 5)},
        {"layers": (4, 1)},
        {"heads": range(1, 3)},
        {"steps": [1, 2], "layers": np.array([0, 3]), "heads": [3]},
        {"samples": ("sample-2", "sample-0"), "layers": [2]},
        {"samples": ("sample-1",), "heads": (0,), "steps": (5,)},
    ],
)
def test_every_analysis_stands_on_exactly_what_was_named(ds, known, chosen):
    places = {name: list(given) for name, given in chosen.items()}
    if "samples" in places:
        places["samples"] = [known.samples.index(name) for name in sorted(places["samples"])]
    places.setdefault("steps", slice(0, 1))
    arms = {label: part(known, label, **places) for label in known.conditions}
    delta = ds.probe.difference(**chosen)
    np.testing.assert_allclose(delta, (arms["i2v"] - arms["t2v"]).mean(axis=(0, 1, 2, 3)), atol=1e-7)
    of_frame = ds.probe.dominance(**{"early": 1 / 6 if "steps" not in chosen else None} | chosen)
    np.testing.assert_allclose(of_frame, [arms[c][..., 1:, 0].mean() for c in known.conditions], atol=1e-7)
    by_hand = distance(ds, **chosen)
    raw = [arms[label].mean(axis=(0, 1, 2, 3))[1:] for label in by_hand["condition"].values]
    p = [row / row.sum(axis=-1, keepdims=True) for row in raw]
    q = arms["t2v"].mean(axis=(0, 1, 2, 3))[1:]
    q = q / q.sum(axis=-1, keepdims=True)
    jsd = [(r * np.log(2 * r / (r + q)) + q * np.log(2 * q / (r + q))).sum(axis=-1).mean() / 2 for r in p]
    np.testing.assert_allclose(by_hand, jsd, rtol=1e-4, atol=1e-9)


def test_kept_dims_bear_the_labels_that_were_named(ds):
    kept = ds.probe.dominance(steps=(5, 2), layers=(3, 1), heads=(2,), keep=("step", "layer", "head"))
    assert [kept[dim].values.tolist() for dim in kept.dims[1:]] == [[2, 5], [1, 3], [2]]
    assert (kept.attrs["steps"], kept.attrs["layers"], kept.attrs["heads"]) == ([2, 5], [1, 3], [2])
    assert "early" not in kept.attrs and ds.probe.difference(early=0.5).attrs["early"] == 0.5


@pytest.mark.parametrize(
    ("names", "chosen", "keep", "read"),
    [
        (MAPS, {}, (), ATTENTION_MEAN),
        (MAPS, {"steps": (3,)}, ("step", "sample"), ATTENTION_MEAN),
        (MAPS, {"layers": (0, 1, 2, 3, 4)}, (), ATTENTION_MEAN),
        (MAPS, {"layers": (0,)}, (), ATTENTION),
        (MAPS, {"heads": (0,)}, (), ATTENTION),
        (MAPS, {}, ("head",), ATTENTION),
        ((DOMINANCE, *MAPS), {}, ("head",), DOMINANCE),
        ((DOMINANCE, *MAPS), {"layers": (1,)}, (), DOMINANCE),
        ((DOMINANCE, *MAPS), {}, (), ATTENTION_MEAN),
    ],
)
def test_the_smallest_variable_that_serves_is_read(ds, names, chosen, keep, read):
    assert cheapest(ds, names, within=window(ds, chosen, early=0.1), keep=keep) == read


def test_a_dataset_cut_to_some_layers_is_not_averaged_over_all_of_them(ds, known):
    cut = ds.isel(layer=[0, 3], head=slice(2))
    raw = {label: part(known, label, steps=[0])[:, :, [0, 3], :2] for label in ("i2v", "t2v")}
    expected = (raw["i2v"] - raw["t2v"]).mean(axis=(0, 1, 2, 3))
    np.testing.assert_allclose(cut.probe.difference(), expected, atol=1e-7)
    np.testing.assert_allclose(ds.isel(layer=3).probe.dominance()[0], part(known, "t2v")[:, :, 3, :, 1:, 0].mean())


def test_named_samples_that_are_not_complete_are_counted_and_none_is_refused(tmp_path):
    known = synthetic_study(tmp_path / "study", samples=3, lams=())
    forget_run(known.path, "sample-1", "i2v")
    ds = open_study(known.path)
    attrs = ds.probe.difference(samples=("sample-0", "sample-1")).attrs
    assert (attrs["samples_used"], attrs["samples_total"]) == (1, 2)
    with pytest.raises(InputError, match="i2v: 0 of 1"):
        ds.probe.difference(samples=("sample-1",))


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"steps": (6,)}, "steps has 6, which is no step of the study; it has 0, 1, 2, 3, 4, 5"),
        ({"steps": (-1,)}, "steps has -1, which is no step"),
        ({"layers": (5,)}, "layers has 5, which is no layer"),
        ({"heads": (1.5,)}, r"heads has 1\.5, which is no head"),
        ({"heads": (True,)}, "heads has True, which is no head"),
        ({"layers": ()}, "layers is empty; name at least one layer"),
        ({"samples": ("sample-9",)}, "samples has 'sample-9', which is no sample of the study; it has 'sample-0'"),
        ({"samples": "sample-0"}, "samples 'sample-0' is no sequence"),
        ({"layers": 3}, "layers 3 is no sequence"),
        ({"heads": (1, 1)}, "heads has 1 twice"),
        ({"steps": (1,), "early": 0.5}, r"early 0\.5 and steps \(1,\) are both given; give one of them"),
        ({"early": 0.0}, r"early 0\.0 is outside"),
        ({"branch": "both"}, "branch 'both' was not recorded; the study has cond, uncond"),
    ],
)
def test_what_the_study_lacks_is_refused_with_what_it_has(ds, chosen, words):
    for analysis in (difference, dominance, distance):
        with pytest.raises(InputError, match=words):
            analysis(ds, **chosen)


def test_a_keyword_nobody_knows_is_refused_by_its_name(ds):
    with pytest.raises(TypeError, match="unexpected keyword argument 'layer'; a window is told by early, steps"):
        ds.probe.difference(layer=(1,))


def test_functions_and_methods_take_the_same_keywords(ds):
    for analysis in (difference, dominance, distance):
        ours, method = inspect.signature(analysis), inspect.signature(getattr(ds.probe, analysis.__name__))
        assert list(ours.parameters)[1:] == list(method.parameters)


@pytest.mark.parametrize(
    ("chosen", "steps"),
    [({}, {0}), ({"early": 0.5}, {0, 1, 2}), ({"steps": (1, 3, 4)}, {1, 3, 4}), ({"steps": (5,)}, {5})],
)
def test_no_other_step_is_read(known, chosen, steps, monkeypatch):
    from dymos_probe.store.reader import RunArray

    read, plain = set(), RunArray.__getitem__

    def noting(self, key):
        if self.name in ("attention", "text_mass"):
            read.update(range(6)[key[3]])
        return plain(self, key)

    monkeypatch.setattr(RunArray, "__getitem__", noting)
    fresh = open_study(known.path)
    for compute in (
        lambda: fresh.probe.difference(keep=("layer", "head"), **chosen),
        lambda: fresh.probe.distance(keep=("head",), text="bin", **chosen),
        lambda: fresh.probe.distance(order="distance_first", **chosen),
        lambda: fresh.probe.dominance(keep=("layer", "query_frame"), **({"early": 0.1} if not chosen else chosen)),
        lambda: fresh.probe.entropy(samples=("sample-0", "sample-2"), **chosen),
        lambda: fresh.probe.profile(conditions=("t2v", "i2v lam=1"), keep=("head",), **chosen),
        lambda: fresh.probe.interval("distance", keep=("layer",), resamples=40, **chosen),
    ):
        read.clear()
        compute().compute()
        assert read == steps
