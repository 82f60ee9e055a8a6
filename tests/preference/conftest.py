"""A folder with a study whose videos were written by the project's writer, and participants who vote in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dymos_probe.preference import QUESTIONS, Survey, create_survey, join, next_trial, vote
from dymos_probe.preference.trials import shown_at
from dymos_probe.runs.media import write_image, write_video
from dymos_probe.store import video_path
from dymos_probe.testing.synthetic import synthetic_study

SAMPLES = 7
THREE = ("i2v", "i2v lam=-1", "i2v lam=1")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of studies with one study, ``group/demo``; the study is not to be changed."""
    top = tmp_path_factory.mktemp("runs")
    study = synthetic_study(top / "group" / "demo", samples=SAMPLES, lams=(-1.0, 1.0))
    rng = np.random.default_rng(0)
    for sample in study.samples:
        write_image(study.path / "images" / f"{sample}.png", rng.integers(0, 256, (32, 48, 3), dtype=np.uint8))
        for condition in study.conditions:
            frames = rng.integers(0, 256, (5, 32, 48, 3), dtype=np.uint8)
            write_video(video_path(study.path, sample, condition), frames, fps=8)
    return top


@pytest.fixture
def survey(folder: Path) -> Survey:
    """A preference study over all samples in which nobody has voted."""
    return create_survey(folder, "group/demo", conditions=THREE)


Chooser = Callable[[Survey, str], str]


@pytest.fixture
def take_part() -> Callable[..., str]:
    """Let a participant answer every question of so many trials (all by default) as ``choose`` says."""

    def answer(survey: Survey, choose: Chooser, trials: int | None = None) -> str:
        rater = join(survey)
        for _ in range(len(survey.samples) if trials is None else trials):
            trial = next_trial(survey, rater)
            assert trial is not None
            for question in QUESTIONS:
                vote(survey, trial.id, question.id, choose(survey, trial.id))
        return rater

    return answer


@pytest.fixture
def always() -> Callable[[str], Chooser]:
    """A participant who finds the same condition every time, wherever it stands."""

    def choosing(condition: str) -> Chooser:
        return lambda survey, trial: next(p for p in "ABC" if shown_at(survey, trial, p).condition == condition)

    return choosing
