"""The sentences hold the numbers of the data, and say which way they point."""

import numpy as np
import xarray as xr

from dymos_probe.figures.sentences import (
    attention_sentence,
    difference_sentence,
    distance_sentence,
    head_sentence,
    metric_sentence,
    minimum_sentence,
    motion_and_quality_sentence,
    profile_sentence,
    reference_sentence,
    slice_sentence,
    step_sentence,
    strip_sentence,
)

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


def test_what_the_reference_frame_gains_the_other_frames_and_text_lose():
    rows = [[0.0, 0.0, 0.0], [0.2, -0.05, -0.1], [0.2, -0.05, -0.1]]
    delta = xr.DataArray(rows, dims=("query_frame", "key_frame"), coords={"key_frame": [0, 1, 2]}, attrs=STANDS)
    said = difference_sentence(delta)
    assert "by +20.0 percentage points on the reference frame, by −15.0 on the other frames together" in said
    assert "(least: frame 2, −10.0), text tokens −5.0 (first 10 %" in said
    without = delta + np.array([[0.0], [-0.05], [-0.05]]) * np.array([1.0, 0.0, 0.0])
    assert "text" not in difference_sentence(without.assign_attrs(STANDS))


def test_the_steps_are_given_at_both_ends_and_where_the_gap_is_widest():
    values = [[0.1, 0.2, 0.3], [0.3, 0.5, 0.35]]
    by_step = xr.DataArray(values, dims=("condition", "step"), coords={"step": [0, 1, 2]}, attrs=STANDS)
    said = step_sentence(by_step.T)
    assert "first step the I2V model puts 30.0 %" in said and "T2V model 10.0 %, in the last 35.0 % and 30.0 %" in said
    assert "largest in step 1 of 0–2: +30.0 percentage points (3 samples)" in said


def excesses(values):
    values = np.array(values)
    coords = {"layer": np.arange(values.shape[0]), "head": np.arange(values.shape[1])}
    return xr.DataArray(values, dims=("layer", "head"), coords=coords, attrs=STANDS)


def test_the_heads_that_carry_half_are_counted():
    said = head_sentence(excesses([[0.1, 0.4], [0.3, -0.5]]).T)
    # 0.4 of 0.8 is half of what is above zero.
    assert "carried by 1 head of 4; the largest is +0.400, layer 0, head 1 (first" in said
    assert "1 head of 4 looks less" in said
    assert "carried by 2 heads of 4" in head_sentence(excesses([[0.1, 0.39], [0.31, 0.0]]))
    assert "No head looks less" in head_sentence(excesses([[0.1, 0.4]]))
    assert "No head looks more" in head_sentence(excesses([[-0.1, -0.4]]))


def test_neighbours_are_compared_with_the_reference_frame():
    profile = xr.Dataset(
        {
            "mass": (("condition", "frame_distance"), [[0.1, 0.5, 0.3], [0.05, 0.4, 0.15]]),
            "reference": (("condition", "query_frame"), [[0.1, 0.3], [0.4, 0.6]]),
        },
        coords={"frame_distance": [-1, 0, 1]},
        attrs=STANDS,
    )
    said = profile_sentence(profile)
    assert "neighbour in time gets 20.0 % of a frame's attention in T2V and 10.0 % in I2V" in said
    assert "reference frame gets 20.0 % and 50.0 %, 1.00 and 5.00 times as much" in said


def test_attention_over_strength_says_where_it_meets_t2v():
    def over(values, level):
        coords = {"arm": ("condition", ["t2v", "i2v", "i2v", "i2v"]), "lam": ("condition", [0.0, 1.0, -1.0, 0.0])}
        return xr.DataArray([level, *values], dims="condition", coords=coords, attrs=STANDS)

    said = reference_sentence(over([0.1, 0.5, 0.3], 0.2))
    assert "put 50.0 % at λ = −1, 30.0 % at λ = 0, 10.0 % at λ = 1" in said and "T2V 20.0 %" in said
    assert "meets T2V's level between λ = 0 and 1" in said
    assert "no λ tried meets" in reference_sentence(over([0.1, 0.5, 0.3], 0.05))


def test_the_fitted_minimum_carries_its_interval_where_there_is_one():
    minimum = xr.Dataset({"closest_lam": 0.62, "closest_lam_low": 0.5, "closest_lam_high": 0.7}, attrs={"level": 0.9})
    assert "least at λ = 0.620 (90 % interval over samples: 0.500 to 0.700)." in minimum_sentence(minimum)
    assert minimum_sentence(minimum.assign(closest_lam_low=np.nan)).endswith("least at λ = 0.620.")


def test_motion_and_quality_are_given_at_both_ends():
    quality = metric(0.1, 4).assign_attrs(long_name="quality", units="1")
    said = motion_and_quality_sentence(metric(0.1, 4), quality)
    assert said.startswith(
        "Motion, 2.00 px at λ = 0, changes by −1.0 px at λ = −1 and +2.0 px at λ = 1; quality, 2.00 "
    )


def test_a_slice_says_which_line_it_is_and_how_much_it_changes():
    lines = xr.DataArray(
        np.zeros((2, 3, 1, 4, 3), np.uint8),
        dims=("condition", "time", "y", "x", "rgb"),
        coords={"arm": ("condition", ["i2v", "t2v"]), "lam": ("condition", [0.0, 0.0])},
    )
    lines[1, 1] = 20
    said = slice_sentence(lines, "y", 5, 48)
    assert said.startswith("Row 5 of 0–47, the row that changes most") and "T2V: 20.0; I2V, λ = 0: 0." in said
