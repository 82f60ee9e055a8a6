"""What a job is and how far it is, in words; all of it plain text, none of it Markdown."""

from __future__ import annotations

from datetime import UTC, datetime

from times import span

from dymos_probe.figures.labels import condition_name, counted, strength
from dymos_probe.jobs import Job, Request, State

STATUS = {"queued": "Waiting", "running": "Running", "done": "Done", "cancelled": "Cancelled", "failed": "Failed"}
ICON = {
    "queued": ":material/hourglass_empty:",
    "running": ":material/sync:",
    "done": ":material/check_circle:",
    "cancelled": ":material/cancel:",
    "failed": ":material/error:",
}
FAILED = {
    "memory": "There was not enough memory.",
    "disk": "The disk is full.",
    "environment": "Something is missing on this machine.",
    "input": "These settings cannot be run.",
    "crash": "The worker process died.",
    "defect": "Something went wrong that nobody foresaw.",
}
"""What kind of failure it was."""

_PROMPT = 60  # characters of a prompt in a list
_MEASURED = {"this job": "measured in this one", "earlier jobs": "measured from earlier ones"}


def submitted(job: Job) -> datetime:
    """Return when a job was submitted, UTC."""
    return datetime.fromtimestamp(job.state.submitted, tz=UTC)


def short(prompt: str) -> str:
    """Return the beginning of a prompt, on one line."""
    line = " ".join(prompt.split())
    return line if len(line) <= _PROMPT else f"{line[: _PROMPT - 2].rstrip()} …"


def generated_label(job: Job) -> str:
    """Return the name under which a job's result stands among studies; no other job's is the same."""
    # Of the id the end, which is random: one second and one prompt may have two.
    return f"generated {submitted(job):%Y-%m-%d %H:%M} UTC: {short(job.request.prompt)} [{job.id.rpartition('-')[2]}]"


def settings(request: Request) -> str:
    """Return what was asked beside prompt and image."""
    parts = [f"Pair {request.pair}", f"λ = {strength(request.lam)}"]
    if request.lam:
        if request.step_ratio is not None:
            parts.append(f"in the first {100 * request.step_ratio:g} % of the steps")
        parts.append(f"{request.schedule} schedule")
    if request.layers is not None:
        parts.append(f"layers {', '.join(map(str, request.layers))}")
    parts.append(f"seed {request.seed}")
    if request.width and request.height:
        parts.append(f"{request.width} × {request.height} pixels")
    if request.num_frames:
        parts.append(counted(request.num_frames, "frame"))
    if request.num_inference_steps:
        parts.append(counted(request.num_inference_steps, "step"))
    return ", ".join(parts)


def condition_words(request: Request, condition: str) -> str:
    """Return which run of a job a condition's id names."""
    if condition == "t2v":
        return "T2V"
    return condition_name("i2v", 0.0 if condition == "i2v" else request.lam)


def how_far(request: Request, state: State) -> str:
    """Return how far a running job is: which run, which step, how long it still takes."""
    if not state.run:
        parts = ["Loading the models"]
    else:
        parts = [f"Run {state.run} of {state.runs} ({condition_words(request, state.condition)})"]
        if state.phase == "decoding":
            parts.append("decoding the video")
        elif state.phase == "loading":
            parts.append("loading the next model")
        else:
            parts.append(f"step {min(state.step + 1, state.steps)} of {state.steps}")
    if state.seconds_left is not None:
        measured = _MEASURED.get(state.estimate_from, state.estimate_from)
        parts.append(f"about {span(state.seconds_left)} left ({measured})")
    return ", ".join(parts)


def place_in_queue(job: Job) -> str:
    """Return what a queued job waits for."""
    if not job.ahead:
        return "It is the next; a worker process is taking it up."
    return f"{counted(job.ahead, 'generation')} {'is' if job.ahead == 1 else 'are'} ahead of it; they are made in turn."
