"""Whether numbers say what the paper says: computed, never written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dymos_probe.figures.labels import counted, strength
from studies.reproduction.numbers import signed_pm

ERRORS = 2.0
"""Standard errors beyond which a change counts as one."""
ANSWERS = ("As in the paper", "In direction only", "Not as in the paper", "Not decided")
"""What can be said of a sentence of the paper."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One sentence of the paper beside what was found."""

    claim: str
    """What the paper says, and where."""
    found: str
    """What was found, with its numbers."""
    holds: bool | None
    """Whether it is so here; None where the numbers do not tell, or where it is so in direction only."""
    slight: bool = False
    """Whether it is so in direction only: beyond error, and less than counts as a change."""

    @property
    def answer(self) -> str:
        """One of `ANSWERS`."""
        if self.slight:
            return ANSWERS[1]
        return {True: ANSWERS[0], False: ANSWERS[2], None: ANSWERS[3]}[self.holds]

    @property
    def line(self) -> str:
        """Return it as a Markdown list item."""
        word = self.answer
        return f"- **{word}.** {self.claim}. Here: {self.found}."


def sign(change: Mapping[str, Any]) -> int:
    """Return 1 where a change is above zero by more than two standard errors, −1 below it, else 0."""
    mean, error = change["mean"], change["standard_error"]
    if mean is None or error is None or abs(mean) <= ERRORS * error:
        return 0
    return 1 if mean > 0 else -1


def rises(change: Mapping[str, Any], *, margin: float | None = None, claim: str, what: str, units: str = "") -> Verdict:
    """Return whether something rises.

    Parameters
    ----------
    margin
        The largest change that counts as none, where there is such a size: a rise that surely stays within it is
        one in direction only, and where not even that is seen the claim does not hold. None takes any rise.
    """
    return _moves(change, 1, margin=margin, claim=claim, what=what, units=units)


def falls(change: Mapping[str, Any], *, margin: float | None = None, claim: str, what: str, units: str = "") -> Verdict:
    """Return whether something falls; ``margin`` as in :func:`rises`."""
    return _moves(change, -1, margin=margin, claim=claim, what=what, units=units)


def worsens(change: Mapping[str, Any], *, worse: int, claim: str, what: str, units: str = "") -> Verdict:
    """Return whether something gets worse; ``worse`` is the sign of a change for the worse."""
    return _moves(change, worse, margin=None, claim=claim, what=what, units=units)


def keeps(
    change: Mapping[str, Any], *, worse: int, margin: float | None, claim: str, what: str, units: str = ""
) -> Verdict:
    """Return whether something gets no worse by more than ``margin``.

    That no change is seen does not show that there is none, least of all with few samples: it is
    kept where a change for the worse by more than the margin lies beyond two standard errors.

    Parameters
    ----------
    worse
        Sign of a change for the worse.
    margin
        The largest change for the worse that counts as none, of what is measured and not of what was found; None
        where nobody can say, and then nothing is ever said to be kept.
    """
    mean, error = change["mean"], change["standard_error"]
    if mean is None or error is None:
        return Verdict(claim=claim, found=f"{what.rstrip(',')}: too few pairs ({told(change, units)})", holds=None)
    allowed = "" if margin is None else f"; up to {margin:g}{units} counts as none"
    holds = None
    if margin is not None and worse * mean + ERRORS * error <= margin:
        holds = True
    elif sign(change) == worse:
        holds = False
    said = {0: "is not told apart from no change", 1: "rises", -1: "falls"}[sign(change)]
    return Verdict(claim=claim, found=f"{what} {said} ({told(change, units)}{allowed})", holds=holds)


def steadily(
    changes: Sequence[tuple[float, float, Mapping[str, Any]]],
    *,
    up: bool = True,
    claim: str,
    what: str,
    units: str = "",
) -> Verdict:
    """Return whether something rises (or falls) from each place to the next.

    Parameters
    ----------
    changes
        (from, to, the paired change), in order.
    """
    wanted = 1 if up else -1
    signs = [sign(change) for *_, change in changes]
    word = "rises" if up else "falls"
    found = (
        f"{what} {word} beyond two standard errors in {signs.count(wanted)} of {len(signs)} steps"
        + (f" and goes the other way in {signs.count(-wanted)}" if signs.count(-wanted) else "")
        + f" ({'; '.join(f'{strength(a)} to {strength(b)}: {told(change, units)}' for a, b, change in changes)})"
    )
    holds = None if not signs else True if signs.count(wanted) == len(signs) else False if -wanted in signs else None
    return Verdict(claim=claim, found=found, holds=holds)


def told(change: Mapping[str, Any], units: str = "") -> str:
    """Return a change in words: ``+1.40 ± 0.26 px, 58 pairs``."""
    if change["mean"] is None:
        return "no pair measured"
    return f"{signed_pm(change['mean'], change['standard_error'])}{units}, {counted(change['pairs'], 'pair')}"


def _moves(
    change: Mapping[str, Any], wanted: int, *, margin: float | None, claim: str, what: str, units: str
) -> Verdict:
    found = sign(change)
    said = {0: "is not told apart from no change", 1: "rises", -1: "falls"}[found]
    within = _within(change, margin)
    size = f"; up to {margin:g}{units} counts as none" if within else ""
    holds = (None if found == wanted else False) if within else None if found == 0 else found == wanted
    return Verdict(
        claim=claim,
        found=f"{what} {said} ({told(change, units)}{size})",
        holds=holds,
        slight=within and found == wanted,
    )


def _within(change: Mapping[str, Any], margin: float | None) -> bool:
    """Return whether a change of more than ``margin``, up or down, lies beyond two standard errors."""
    mean, error = change["mean"], change["standard_error"]
    return margin is not None and error is not None and abs(mean) + ERRORS * error <= margin
