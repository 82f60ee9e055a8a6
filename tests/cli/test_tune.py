"""`probe tune`: what it says, one JSON document, refusals in a line."""

from __future__ import annotations

import json

import pytest

from dymos_probe.store import open_study

FLOW = ("--metric", "frame_difference")


def test_a_plan_says_what_it_would_run_first_and_makes_nothing(probe, study, contents):
    before = contents(study)
    answer = probe("tune", study, "--dry-run")
    assert answer.status == 0 and not answer.err and contents(study) == before
    first, second, *_ = answer.out.splitlines()
    assert first.startswith("λ of least attention distance: λ = ") and "approximate, from frame means" in first
    assert second.startswith("λ of equal motion: not known yet; sprite_along is not measured")
    assert "nothing was made" in answer.out and "a sweep over 20 λ from −1 to 4 takes 20 runs" in answer.out
    document = json.loads(probe("tune", study, "--dry-run", "--json", "--range=-0.5,1", "--step", "0.5").out)
    assert document["dry_run"] is True and document["sweep"] == {"lams": [-0.5, 0.5, 1.0], "runs": 3}
    assert [lam for lam, _ in document["predicted"]["curve"]] == [-0.5, 0.0, 0.5, 1.0]
    assert contents(study) == before


def test_it_says_both_strengths_what_they_stand_on_and_what_was_spared(probe, study):
    answer = probe("tune", study, "--runs", "1", "--matched", *FLOW)
    assert answer.status == 0 and not answer.err
    lines = answer.out.splitlines()
    assert lines[0].startswith("λ of least attention distance: λ = ")
    assert any(line.startswith("λ of equal motion: ") for line in lines[:4])
    for words in ("Over the λ that were run:", "Prompt by prompt:", "A λ for each layer and query frame",
                  "one pass of matching, which does not account for the network's reaction",
                  "a sweep over 20 λ from −1 to 4 takes 20 runs", f"kept in {study / 'tune.json'}"):  # fmt: skip
        assert words in answer.out
    header = next(line for line in lines if line.startswith("λ  "))
    assert header.split("  ")[0] == "λ" and "frame_difference" in header
    assert bool(open_study(study)["complete"].all())
    kept = json.loads((study / "tune.json").read_text())
    assert kept["version"] == 1 and len(kept["results"]) == 1
    document = json.loads(probe("tune", study, "--runs", "0", "--matched", *FLOW, "--json").out)
    assert document["made"] == 0 and document["motion"] == kept["results"][0]["motion"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--range", "0"], "range '0' must be two λ"),
        (["--range", "a,b"], "range 'a,b' is not a number"),
        (["--range", "1,4"], "hold λ = 0"),
        (["--runs", "-1"], "--runs"),
        (["--metric", "flow"], "metric 'flow' is unknown"),
        (["--tolerance", "0"], "tolerance 0 at least 0.01"),
        (["--schedule", "matched"], "matched=True"),
        (["--step", "0"], "in steps of 0 must rise"),
    ],
)
def test_a_wrong_request_is_one_line_and_changes_nothing(refused, study, contents, arguments, words):
    before = contents(study)
    assert words in refused(2, "tune", study, *arguments)
    assert contents(study) == before


def test_what_is_no_study_is_told(refused, tmp_path):
    assert "there is no study at" in refused(2, "tune", tmp_path / "none")
    assert "is no study" in refused(2, "tune", tmp_path)
