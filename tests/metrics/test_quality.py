"""Video Quality from its components is what the leaderboard's numbers and the paper's say."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.metrics.quality import COMPONENTS, chosen_components, quality

# Model → motion smoothness, aesthetic and imaging quality as the VBench leaderboard has them, the paper's Video
# Quality, and the temporal flickering that it then needs, to three digits.
PUBLISHED = {
    "CogVideoX-5B": (0.9840, 0.6187, 0.7001, 57.8, 0.965),
    "Wan2.1-14B": (0.9790, 0.6475, 0.7044, 57.7, 0.957),
    "HunyuanVideo": (0.9923, 0.6255, 0.7014, 58.2, 0.960),
}
NAMES = ("temporal_flickering", "motion_smoothness", "aesthetic_quality", "imaging_quality")


def study(**values) -> xr.Dataset:
    sizes = np.broadcast_shapes(*(np.shape(value) for value in values.values()), (1, 1))
    variables = {
        f"metric_{name}": (("sample", "condition"), np.broadcast_to(np.float32(value), sizes).copy())
        for name, value in values.items()
    }
    return xr.Dataset(variables, coords={"sample": [f"s{i}" for i in range(sizes[0])], "condition": ["i2v"]})


def of(ds: xr.Dataset, scale: str) -> float:
    return float(quality(ds, scale=scale).values[0, 0])


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_papers_scale_gives_the_papers_number(model) -> None:
    smooth, aesthetic, imaging, paper, flickering = PUBLISHED[model]
    ds = study(**dict(zip(NAMES, (flickering, smooth, aesthetic, imaging), strict=True)))
    assert of(ds, "paper") == pytest.approx(paper, abs=0.06)
    assert of(ds, "mean") == pytest.approx(paper * 5.5 / 400, abs=0.001)


@pytest.mark.parametrize(
    ("model", "normalised"), [("CogVideoX-5B", 0.9537), ("Wan2.1-14B", 0.9365), ("HunyuanVideo", 0.9822)]
)
def test_motion_smoothness_is_normalised_as_published(model, normalised) -> None:
    """With the other three 0 after normalisation, the sum is motion smoothness alone."""
    ds = study(**dict(zip(NAMES, (0.6293, PUBLISHED[model][0], 0.0, 0.0), strict=True)))
    assert of(ds, "mean") * 4 == pytest.approx(normalised, abs=6e-5)


def test_vbench_does_not_clip() -> None:
    assert of(study(**dict(zip(NAMES, (0.6293, 0.5, 0, 0), strict=True))), "mean") < 0
    assert of(study(**dict(zip(NAMES, (1, 1, 1, 1), strict=True))), "mean") > 1


def test_our_own_predictors_stand_in_and_vbenchs_come_first() -> None:
    own = study(temporal_flickering=0.965, motion_smoothness=0.984, laion_aesthetic=0.6187, musiq=70.01)
    assert of(own, "paper") == pytest.approx(57.8, abs=0.06)
    assert quality(own).attrs["components"] == "temporal_flickering, motion_smoothness, laion_aesthetic, musiq"
    both = own.assign(study(imaging_quality=0.5).data_vars)
    assert [name for _, name in chosen_components(both)][-1] == "imaging_quality"
    assert of(both, "mean") == pytest.approx(of(own, "mean") - 0.2001 / 4, abs=1e-6)


def test_the_components_that_are_missing_are_named_and_no_other() -> None:
    with pytest.raises(InputError) as refused:
        quality(study(temporal_flickering=0.9, laion_aesthetic=0.6))
    assert "motion smoothness (motion_smoothness), imaging quality (imaging_quality or musiq)" in str(refused.value)
    assert "flickering" not in str(refused.value) and "aesthetic" not in str(refused.value)


@pytest.mark.parametrize(("name", "wrong"), [("imaging_quality", 63.2), ("musiq", 120.0), ("motion_smoothness", -0.1)])
def test_a_value_on_another_scale_is_refused(name, wrong) -> None:
    given = {"temporal_flickering": 0.9, "motion_smoothness": 0.9, "aesthetic_quality": 0.6} | {"musiq": 70.0}
    with pytest.raises(InputError, match=f"metric {name} has the value {wrong:g}; .* must lie in"):
        quality(study(**given | {name: wrong}))


def test_a_run_without_a_component_has_none_and_an_incomplete_one_neither() -> None:
    ds = study(temporal_flickering=[[0.9], [np.nan], [0.9]], motion_smoothness=0.9, aesthetic_quality=0.6, musiq=70.0)
    ds["complete"] = (("sample", "condition"), [[True], [True], [False]])
    assert quality(ds).notnull().values.tolist() == [[True], [False], [False]]
    with pytest.raises(InputError, match="scale 'sum' is unknown"):
        quality(ds, scale="sum")


def test_every_component_has_one_normalised_scale() -> None:
    assert [(c.least, c.largest) for c in COMPONENTS] == [(0.6293, 1), (0.7060, 0.9975), (0, 1), (0, 1)]
