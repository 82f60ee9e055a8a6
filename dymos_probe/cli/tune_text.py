"""What ``probe tune`` says: both λ in plain sentences, tables of what they stand on, and what was spared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dymos_probe.figures.labels import counted, number, signed, strength

if TYPE_CHECKING:
    from dymos_probe.analysis.equal_motion import EqualMotion
    from dymos_probe.analysis.least import Least
    from dymos_probe.runs.tuning import Effect, Tuning

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


def answers(tuning: Tuning, *, dry_run: bool) -> Iterator[str]:
    """Yield what was found, the two λ first."""
    predicted = tuning.predicted
    how = "exact, from the recorded response" if predicted.exact else "approximate, from frame means"
    yield f"λ of least attention distance: {_least(predicted.pair)}, predicted from the λ = 0 runs alone ({how})."
    if tuning.effects:
        yield f"  {_confirmed(tuning)}"
    motion = tuning.motion
    if motion is None:
        yield f"λ of equal motion: not known yet; {tuning.metric} is not measured ({_command(tuning)} does)."
        return
    yield f"λ of equal motion: {_equal(motion)}"
    if not tuning.settled:
        yield (
            "  the λ of equal motion is not settled: no λ within the tolerance of it was run"
            + ("." if dry_run else f"; {_command(tuning)} goes on.")
        )


def tables(tuning: Tuning) -> Iterator[Table]:
    """Yield each table as title, columns and rows."""
    yield from _over_lam(tuning)
    yield _by_prompt(tuning)
    if tuning.matched is not None and tuning.matched.rows:
        rows: list[tuple[str, ...]] = [
            (
                row.condition,
                number(row.distance),
                number(row.dominance),
                number(row.metric),
                _with_error(row.gap, row.gap_standard_error),
                str(row.samples),
            )
            for row in tuning.matched.rows
        ]
        columns = ("condition", "d to T2V", "dominance", tuning.metric, "against T2V", "n")
        yield "A λ for each layer and query frame (matched) beside one λ for all:", columns, rows


def notes(tuning: Tuning, *, dry_run: bool) -> Iterator[str]:
    """Yield how to read it and what it cost."""
    yield (
        f"d: Jensen-Shannon divergence of attention from T2V's, nats, first {100 * tuning.early:g} % of steps (Eq. 5); "
        f"λ in the first {100 * tuning.step_ratio:g} % of steps, {tuning.schedule} schedule"
    )
    yield (
        "direct: what λ does to the queries and keys of the untouched run, ≈ from frame means; its share is that "
        "in the measured change of dominance, above 100 % where the network takes a part back"
    )
    for effect in tuning.effects:
        if effect.direct_share is None:
            yield f"no share at λ = {strength(effect.lam)}: {effect.share_undefined}"
    if tuning.motion is not None:
        motion = tuning.motion
        some = motion.samples_used < motion.samples_total
        left_out = f"; `probe metrics {tuning.study}` says why others have none" if some else ""
        yield (
            f"{tuning.metric}: {motion.long_name}{'' if motion.units == '1' else f', {motion.units}'}, mean over the "
            f"{motion.samples_used} of {counted(motion.samples_total, 'sample')} measured in T2V and at every λ; "
            f"± is a standard error of paired differences{left_out}"
        )
    if tuning.matched is not None:
        yield (
            f"matched ({tuning.matched.schedule}): d = {number(tuning.matched.predicted_distance)} nats by its direct "
            "effect, approximate; one pass of matching, which does not account for the network's reaction"
        )
    sweep = tuning.sweep
    wide = (
        f"a sweep over {len(sweep.lams)} λ from {strength(sweep.lams[0])} to {strength(sweep.lams[-1])} "
        f"takes {counted(sweep.runs, 'run')}"
    )
    if dry_run:
        first = "none, one as near was run" if tuning.first is None else f"λ = {strength(tuning.first)}"
        yield f"nothing was made; to confirm the prediction it would run first: {first}; {wide}"
    else:
        tried = f"λ = {', '.join(map(strength, tuning.tried))}" if tuning.tried else "no other λ"
        tried = f" ({tried}{' and the matched schedule' if tuning.matched else ''})" if tuning.made else ""
        yield f"made {counted(tuning.made, 'run')}{tried}; {wide}"


def _over_lam(tuning: Tuning) -> Iterator[Table]:
    motion, curve = tuning.motion, tuning.predicted.curve
    if not tuning.effects:
        rows: list[tuple[str, ...]] = [
            (strength(lam), number(float(d))) for lam, d in zip(curve["lam"].values.tolist(), curve, strict=True)
        ]
        yield "Over λ, predicted:", ("λ", "d, direct"), rows
    if motion is None:
        return
    effects = {effect.lam: effect for effect in tuning.effects}
    rows = []
    for point in motion.points:
        effect = effects.get(point.lam)
        d = number(float(curve.sel(lam=0.0))) if point.lam == 0.0 else ""
        about = (d, d, "") if effect is None else _about_effect(effect)
        rows.append((strength(point.lam), *about, number(point.mean), _with_error(point.gap, point.gap_standard_error)))
    error = "" if motion.t2v_standard_error is None else f" ± {number(motion.t2v_standard_error, 2)}"
    rows.append(("T2V", "0", "0", "", number(motion.t2v_mean) + error, ""))
    yield (
        "Over the λ that were run:",
        ("λ", "d, direct", "d, measured", "direct share", tuning.metric, "against T2V"),
        rows,
    )


def _about_effect(effect: Effect) -> tuple[str, str, str]:
    share = "none" if effect.direct_share is None else f"{100 * effect.direct_share:.1f} %"
    about = "" if effect.exact else "≈ "
    return (about + number(effect.direct_distance), number(effect.measured_distance), about + share)


def _by_prompt(tuning: Tuning) -> Table:
    motions = {} if tuning.motion is None else {one.prompt: one for one in tuning.motion.prompts}
    rows: list[tuple[str, ...]] = []
    for prompt in dict.fromkeys([*tuning.predicted.prompts, *motions]):
        least = tuning.predicted.prompts.get(prompt)
        one = motions.get(prompt)
        equal = "" if one is None else f"{strength(round(one.lam, 2))}" if one.lam is not None else one.why
        rows.append((prompt, "" if least is None else _short(least), equal))
    return "Prompt by prompt:", ("prompt", "λ of least d", "λ of equal motion"), rows


def _confirmed(tuning: Tuning) -> str:
    """Return what was measured at the λ that was run nearest to the prediction, and where measured d is least."""
    at = min(tuning.effects, key=lambda effect: abs(effect.lam - tuning.predicted.pair.lam))
    said = f"run at λ = {strength(at.lam)}: d = {number(at.measured_distance)} nats measured"
    found = tuning.measured_closest
    if found is None or found.place == "only":
        return f"{said}."
    if found.place == "inside":
        return f"{said}; over the λ that were run measured d is least at λ = {_short(found)}."
    return f"{said}; measured d is least at λ = {strength(round(found.lam, 2))}, the {found.place} λ that was run."


def _least(found: Least) -> str:
    edge = f", the {found.place} λ looked at" if found.place in ("smallest", "largest") else ""
    return f"λ = {strength(round(found.lam, 2))} (d = {number(found.value)} nats{edge})"


def _short(found: Least) -> str:
    mark = {"smallest": "≤ ", "largest": "≥ "}.get(found.place, "")
    return mark + strength(round(found.lam, 2))


def _equal(motion: EqualMotion) -> str:
    if motion.lam is None:
        ends = motion.points[0].lam, motion.points[-1].lam
        nearest = min(motion.points, key=lambda point: abs(point.gap))
        tried = f"λ = {strength(ends[0])}" if len(motion.points) == 1 else f"{strength(ends[0])} to {strength(ends[1])}"
        return (
            f"not reached: {motion.why} ({tried}); nearest is λ = {strength(nearest.lam)}, "
            f"{_with_error(nearest.gap, nearest.gap_standard_error)} {_units(motion)}against T2V."
        )
    level = f"{number(motion.t2v_mean)} {_units(motion)}"
    said = f"λ = {strength(round(motion.lam, 2))}, where {motion.metric} is T2V's, {level}"
    if motion.low is None or motion.high is None or motion.crossed is None:
        return f"{said.rstrip()}; of one sample there is no interval."
    interval = f"{_end(motion.low, 'below')} to {_end(motion.high, 'above')}"
    return (
        f"{said.rstrip()}; {100 * motion.level:g} % interval over {counted(motion.samples_used, 'sample')}: {interval} "
        f"({100 * motion.crossed:.0f} % of resamples reach T2V's motion)."
    )


def _end(lam: float, beyond: str) -> str:
    return f"{beyond} the λ tried" if math.isinf(lam) else strength(round(lam, 2))


def _units(motion: EqualMotion) -> str:
    return "" if motion.units == "1" else f"{motion.units} "


def _with_error(value: float, error: float | None) -> str:
    return signed(value, 3) + ("" if error is None else f" ± {number(error, 2)}")


def _command(tuning: Tuning) -> str:
    return f"`probe tune {tuning.study}`"
