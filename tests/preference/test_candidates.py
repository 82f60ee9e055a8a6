"""Without a word the paper's three are compared, as far as they are recorded."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from dymos_probe.errors import InputError
from dymos_probe.preference import default_conditions
from dymos_probe.preference.candidates import comparable_samples

NAN = float("nan")
PLAIN = {"bias_key_frame": 0, "bias_branches": "cond", "bias_layers": "", "bias_heads": "", "bias_query_frames": ""}


def study(*rows, samples=4):
    """Labels of a study: (id, arm, λ, method, complete samples, what differs from the paper's bias)."""
    complete = np.array([[sample < row[4] for row in rows] for sample in range(samples)])
    biases = [PLAIN | (row[5] if len(row) > 5 else {}) for row in rows]
    return xr.Dataset(
        {"complete": (("sample", "condition"), complete)},
        coords={
            "condition": [row[0] for row in rows],
            "arm": ("condition", [row[1] for row in rows]),
            "lam": ("condition", [row[2] for row in rows]),
            "method": ("condition", [row[3] for row in rows]),
            **{name: ("condition", [bias[name] for bias in biases]) for name in PLAIN},
        },
    )


T2V = ("t2v", "t2v", 0.0, "none", 4)
I2V = ("i2v", "i2v", 0.0, "none", 4)
ALG = ("alg", "i2v", NAN, "alg", 4)


def lam(value, complete=4, **differs):
    return f"lam{value}" + "".join(differs), "i2v", float(value), "dymos", complete, differs


def test_the_untouched_model_alg_and_the_published_lam_are_compared():
    ds = study(T2V, I2V, lam(1), lam(0.6), ALG)
    assert default_conditions(ds, lam=0.6) == ("i2v", "alg", "lam0.6")


def test_where_no_lam_is_published_the_one_most_recorded_is_taken_and_of_several_the_gentlest_above_0():
    assert default_conditions(study(I2V, ALG, lam(1, 2), lam(4, 3), lam(2, 3), lam(-1, 3))) == ("i2v", "alg", "lam2")
    assert default_conditions(study(I2V, ALG, lam(1, 2), lam(4, 3)), lam=0.5) == ("i2v", "alg", "lam4")


def test_without_alg_a_second_lam_and_then_t2v_takes_its_place():
    assert default_conditions(study(T2V, I2V, lam(1), lam(2))) == ("i2v", "lam1", "lam2")
    assert default_conditions(study(T2V, I2V, lam(1))) == ("i2v", "lam1", "t2v")


def test_a_control_is_never_compared_by_itself():
    ds = study(T2V, I2V, ALG, lam(1, bias_key_frame=3), lam(2, bias_layers="0-3"), lam(3, bias_branches="cond+uncond"))
    assert default_conditions(ds, lam=1.0) == ("i2v", "alg", "t2v")


def test_fewer_than_three_is_told_with_what_would_help():
    with pytest.raises(InputError, match=r"the study has 2 .* `probe intervene"):
        default_conditions(study(I2V, lam(1), lam(2, 0)))
    with pytest.raises(InputError, match="no run of the untouched I2V model"):
        default_conditions(study(T2V, lam(1), lam(2)))


def test_only_samples_whole_under_all_three_with_their_videos_can_be_compared(tmp_path):
    ds = study(I2V, lam(1, 3), ALG).assign_coords(
        sample=list("abcd"), image=("sample", [f"images/{name}.png" for name in "abcd"])
    )
    for name in "abcd":
        for condition in ("i2v", "lam1", "alg"):
            (tmp_path / "videos" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "videos" / name / f"{condition}.mp4").touch()
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / f"{name}.png").touch()
    assert comparable_samples(tmp_path, ds, ["i2v", "lam1", "alg"]) == ["a", "b", "c"]
    (tmp_path / "videos" / "a" / "alg.mp4").unlink()
    (tmp_path / "images" / "b.png").unlink()
    assert comparable_samples(tmp_path, ds, ["i2v", "lam1", "alg"]) == ["c"]
    assert comparable_samples(tmp_path, ds, ["i2v", "alg"]) == ["c", "d"]
