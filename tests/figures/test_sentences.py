"""The sentences hold the numbers of the data, and say which way they point."""

import numpy as np
import xarray as xr

from dymos_probe.figures.sentences import attention_sentence, distance_sentence, metric_sentence, strip_sentence

STANDS = {"early": 0.1, "samples_used": 3, "units": "nats"}


def distances(lams, values):
    return xr.DataArray(values, coords={"lam": lams}, dims="lam", attrs=STANDS)


def test_attention_is_given_in_both_models_with_their_ratio():
    said = attention_sentence(xr.DataArray([0.2, 0.4], dims="condition", attrs=STANDS))
    assert "I2V model, generated frames put 40.0 %" in said and "T2V model 20.0 %: 2.00 times as much" in said
    assert "(first 10 % of the steps, 3 samples)" in said
    without = attention_sentence(xr.DataArray([0.0, 0.4], dims="condition", attrs={**STANDS, "early": 1.0}))
    assert "times" not in without and "all steps" in without


def test_the_closest_strength_is_compared_with_the_untouched_model():
    said = distance_sentence(distances([-1.0, 0.0, 0.6, np.inf], [0.3, 0.2, 0.1, 0.4]))
    assert "λ tried (−1, 0, 0.6, ∞)" in said and "λ = 0.6: d = 0.100 nats, against 0.200" in said
    assert "closer still" not in said


def test_a_least_distance_at_the_edge_sends_the_reader_further():
    assert "the largest λ tried: a larger one may" in distance_sentence(distances([0.0, 1.0], [0.2, 0.1]))
    assert "the smallest λ tried: a smaller one may" in distance_sentence(distances([-1.0, 0.0], [0.1, 0.2]))
    untouched = distance_sentence(distances([-1.0, 0.0, 1.0], [0.3, 0.1, 0.2]))
    assert "λ = 0, the untouched model: d = 0.100 nats (" in untouched and "against" not in untouched


def metric(error, samples):
    values = {"mean": [1.0, 2.0, 4.0], "change": [-1.0, 0.0, 2.0], "change_standard_error": [error] * 3}
    return xr.Dataset(
        {name: ("lam", value) for name, value in values.items()} | {"t2v_mean": 5.0},
        coords={"lam": [-1.0, 0.0, 1.0]},
        attrs={"long_name": "motion", "units": "px", "samples_used": samples},
    )


def test_a_metric_is_given_in_t2v_untouched_and_at_every_other_strength():
    said = metric_sentence(metric(0.25, 4))
    assert said.startswith("Motion, in px: T2V 5.00; I2V 2.00 untouched (λ = 0), ")
    assert "1.00 (−1.0 ± 0.25) at λ = −1, 4.00 (+2.0 ± 0.25) at λ = 1" in said and "4 samples" in said
    one = metric_sentence(metric(np.nan, 1))
    assert "±" not in one and "1 sample)" in one


def test_a_strip_says_how_far_pixels_are_from_the_first_frame():
    frames = xr.DataArray(
        np.zeros((2, 3, 4, 4, 3), np.uint8),
        dims=("condition", "time", "y", "x", "rgb"),
        coords={"arm": ("condition", ["t2v", "i2v"]), "lam": ("condition", [0.0, 1.0])},
    )
    frames[0, 1:] = np.array([10, 30], np.uint8)[:, None, None, None]
    assert "T2V: 20.0; I2V, λ = 1: 0." in strip_sentence(frames)
    assert "T2V: 0;" in strip_sentence(frames.isel(time=[0]))
