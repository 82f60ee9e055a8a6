"""`probe doctor` finds what is missing on this machine, and what of it matters."""

from __future__ import annotations

import importlib.util
import json

import pytest


def findings(answer):
    return {found["what"]: (found["state"], found["detail"]) for found in json.loads(answer.out)}


@pytest.fixture
def without(monkeypatch):
    """Hide an installed package."""
    find = importlib.util.find_spec

    def hide(name):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda asked, *rest: None if asked == name else find(asked, *rest)
        )

    return hide


def test_a_machine_that_works_is_said_to_work(probe):
    answer = probe("doctor")
    assert answer.status == 0 and "Recording and intervening work here." in answer.out and not answer.err
    states = {state for state, _ in findings(probe("doctor", "--json")).values()}
    assert states <= {"ok", "missing"}


def test_a_missing_gpu_is_told_and_breaks_nothing(probe, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    answer = probe("doctor", "--json")
    state, detail = findings(answer)["GPU"]
    assert (answer.status, state) == (0, "missing") and "run on the CPU" in detail


def test_a_missing_browser_is_told(probe, monkeypatch):
    monkeypatch.setenv("PATH", "")
    answer = probe("doctor", "--json")
    assert answer.status == 0
    assert findings(answer)["PNG figures"] == ("missing", "no Chrome or Chromium; figures are written as HTML")


def test_a_missing_kaleido_is_told(probe, without):
    without("kaleido")
    assert findings(probe("doctor", "--json"))["PNG figures"] == ("missing", "no kaleido; figures are written as HTML")


def test_weights_that_are_not_here_are_told_with_the_command_that_fetches_them(probe, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    state, detail = findings(probe("doctor", "--json"))["weights"]
    assert state == "missing" and str(tmp_path) in detail and "hf download" in detail


def test_something_that_does_not_import_is_broken_and_the_rest_is_still_looked_at(probe, monkeypatch):
    def broken():
        raise OSError("libcuda.so.1: version mismatch")

    monkeypatch.setattr("torch.cuda.is_available", broken)
    answer = probe("doctor", "--json")
    found = findings(answer)
    assert answer.status == 3
    assert found["gpu"] == ("broken", "OSError: libcuda.so.1: version mismatch") and found["MP4"][0] == "ok"
    answer = probe("doctor")
    assert answer.status == 3 and "broken: gpu" in answer.out


def test_kernels_that_compute_something_else_are_broken(probe, monkeypatch):
    monkeypatch.setattr("dymos_probe.tap.selfcheck.kernel_errors", lambda: {"lse": 1e-7, "flash": 0.3})
    answer = probe("doctor", "--json")
    assert answer.status == 3 and findings(answer)["kernels"][0] == "broken"
