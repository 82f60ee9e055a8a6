"""Which videos people prefer: the paper's user study (Appendix C.4), blind and self-hosted.

Importing this package loads neither torch nor streamlit.
"""

from dymos_probe.preference.candidates import comparable_samples, default_conditions
from dymos_probe.preference.questions import POSITIONS, QUESTIONS, Question
from dymos_probe.preference.results import Ballot, Progress, ballots, progress, results, to_csv
from dymos_probe.preference.survey import (
    DEFAULT_PAIRS,
    BrokenSurvey,
    Candidate,
    Survey,
    create_survey,
    open_survey,
    published_lam,
    surveys,
)
from dymos_probe.preference.trials import Trial, done, get_trial, join, next_trial, vote

__all__ = [
    "DEFAULT_PAIRS",
    "POSITIONS",
    "QUESTIONS",
    "Ballot",
    "BrokenSurvey",
    "Candidate",
    "Progress",
    "Question",
    "Survey",
    "Trial",
    "ballots",
    "comparable_samples",
    "create_survey",
    "default_conditions",
    "done",
    "get_trial",
    "join",
    "next_trial",
    "open_survey",
    "progress",
    "published_lam",
    "results",
    "surveys",
    "to_csv",
    "vote",
]
