"""What a participant is asked of every three videos, after the paper's Appendix C.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dymos_probe.errors import InputError

POSITIONS: Final = ("A", "B", "C")
"""What the three videos of a trial are called, from left to right."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One criterion; the answer is one of the three videos."""

    id: str
    title: str
    """What it measures, in a word or two."""
    ask: str
    """The question as a participant reads it."""
    hint: str
    """What to look at."""


QUESTIONS: Final = (
    Question(
        id="motion",
        title="Motion",
        ask="Which video moves the most, and in a way that looks real?",
        hint="People and animals, water, cloth, the camera: whatever moves.",
    ),
    Question(
        id="fidelity",
        title="Fidelity",
        ask="Which video stays closest to the reference image, from its start to its end?",
        hint="The subject, the background and the colours.",
    ),
    Question(
        id="text_alignment",
        title="Text alignment",
        ask="Which video shows best what the text says?",
        hint="Everything the text names, and what it says happens.",
    ),
    Question(
        id="overall",
        title="Overall",
        ask="Which video do you like best, all in all?",
        hint="Your own taste decides.",
    ),
)
"""In the order they are asked."""


def check_question(question: str) -> None:
    """Refuse what is asked of nobody.

    Raises
    ------
    InputError
        Naming the questions there are.
    """
    known = [each.id for each in QUESTIONS]
    if question not in known:
        raise InputError(f"question {question!r} is unknown; choose one of {', '.join(known)}")


def check_position(position: str) -> None:
    """Refuse a choice that is none of the three videos.

    Raises
    ------
    InputError
        Naming the positions there are.
    """
    if position not in POSITIONS:
        raise InputError(f"choice {position!r} is none of the three videos; choose one of {', '.join(POSITIONS)}")
