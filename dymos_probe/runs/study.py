"""A study to be filled: its pair, its generation settings, and the configuration ``study.json`` keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dymos_probe.bias import response_grid
from dymos_probe.errors import InputError, StudyError
from dymos_probe.families import Generation, family_of
from dymos_probe.pairs import Pair, describe, load_pair, load_pipeline, preset
from dymos_probe.pairs.load import placement
from dymos_probe.runs.identity import differences, identity
from dymos_probe.store import is_created, json_strengths, read_config, video_path
from dymos_probe.tap import RecordMode

RecordedBranches = Literal["cond", "both"]

NOISE = (
    "drawn once a sample by torch.Generator('cpu').manual_seed(seed), float32, and given to both arms as latents; "
    "the generator then goes on in each arm from the same state"
)
_DEFAULT_FPS = 8
_SIZES = ("height", "width", "num_frames", "num_inference_steps", "guidance_scale")


@dataclass(frozen=True, kw_only=True)
class Study:
    """Everything a process needs to add runs to a study; picklable."""

    path: Path
    """The study's folder."""
    pair: Pair
    """Where the models are."""
    generation: Generation
    """Settings both arms share."""
    mode: RecordMode
    """How attention is recorded; one mode for all conditions."""
    branches: RecordedBranches
    """Which guidance branches are recorded."""
    fps: int
    """Frames per second of the saved videos."""
    response: tuple[float, ...] = ()
    """Strengths λ, rising, of the response that every untouched run keeps; none by default."""

    @property
    def exists(self) -> bool:
        """Whether the folder holds a study that runs can be written into."""
        return is_created(self.path)

    def video(self, sample: str, condition: str) -> Path:
        """Return where a run's video is."""
        return video_path(self.path, sample, condition)


def default_mode(pair: Pair) -> RecordMode:
    """Return how attention is recorded unless told otherwise: untouched on a CPU, at little cost on a GPU."""
    return "fused" if placement(pair)[0].type == "cuda" else "observe"


def resolve_generation(pair: Pair, given: Mapping[str, Any]) -> Generation:
    """Return the generation settings: what is given, else the preset's, else the T2V pipeline's own defaults.

    Raises
    ------
    InputError
        When there would be no step, or the guidance scale is no number.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    known: dict[str, Any] = {}
    if pair.preset is not None:
        known = {name: getattr(pair.preset, name) for name in _SIZES}
    elif not set(_SIZES) <= set(chosen):
        pipe = load_pipeline(pair, "t2v")
        known = family_of(pipe)[0].defaults(pipe)
    extra = dict(pair.preset.extra) if pair.preset is not None else {}
    extra.update(chosen.pop("extra", {}))
    generation = Generation(**{**known, **chosen}, extra=extra)
    if generation.num_frames == 1:
        raise InputError("num_frames 1 is a picture; attention between frames needs a video of more")
    if generation.num_inference_steps < 1:
        raise InputError(f"num_inference_steps {generation.num_inference_steps} must be at least 1")
    if not math.isfinite(generation.guidance_scale):
        raise InputError(f"guidance_scale {generation.guidance_scale} must be a number; 1 turns guidance off")
    return generation


def configuration(study: Study) -> dict[str, Any]:
    """Return what ``study.json`` keeps: what identifies the study, and where it was made."""
    described = describe(study.pair)
    # Only where there is one, so that studies made before there were any are studies without.
    response = {"response": json_strengths(study.response)} if study.response else {}
    return {
        "pair": {key: described[key] for key in ("preset", "t2v", "i2v", "scheduler")}
        | {"note": study.pair.preset.note if study.pair.preset else ""},
        "dtype": str(placement(study.pair)[1]).removeprefix("torch."),
        "generation": asdict(study.generation) | {"extra": dict(study.generation.extra)},
        "record": {"mode": study.mode, "branches": study.branches} | response,
        "fps": study.fps,
        "noise": NOISE,
        "environment": {key: described[key] for key in ("device", "offload", "vae_tiling")},
        "versions": described["versions"],
    }


def check_same(study: Study) -> Study:
    """Return ``study`` with its hub models pinned to the commits its folder was made with.

    Raises
    ------
    StudyError
        When the folder was made with another model or setting; the message names the first that differs.
    """
    stored = _recorded(study.path)
    pinned = replace(study, pair=_pinned(study.pair, stored["pair"]))
    asked = configuration(pinned)
    for key, has, wants in differences(identity(stored), identity(asked)):
        raise StudyError(
            f"the study {study.path} was made with {key} = {has}, now {key} = {wants} is asked; "
            "use a new folder or the same value"
        )
    return pinned


def open_for_more(path: Path, **placed: Any) -> Study:
    """Return the study at ``path`` ready for more runs, its pair found again from ``study.json``.

    ``placed`` may name ``device``, ``offload`` and ``vae_tiling`` of this machine.

    Raises
    ------
    StudyError
        When the folder is no study, or its models are no longer the ones it was made with.
    MissingFileError
        When the folder of a model is gone.
    """
    stored = _recorded(path)
    here = {**stored["environment"], **{key: value for key, value in placed.items() if value is not None}}
    sources: dict[str, Any] = {}
    known = preset(stored["pair"]["preset"]) if stored["pair"]["preset"] else None
    for arm in ("t2v", "i2v"):
        model = stored["pair"][arm]
        sources[arm] = Path(model["folder"]) if "folder" in model else model["hub_id"]
        if known is not None and known.built and not Path(sources[arm]).exists():
            sources[arm] = load_pair(known.name).source(arm)  # built again, and compared below
        sources[f"revision_{arm}"] = model.get("commit") or model.get("revision")
        sources[f"pipeline_{arm}"] = model["pipeline"]
    pair = Pair(**sources, **here, preset=known, scheduler=stored["pair"]["scheduler"], dtype=stored["dtype"])
    study = Study(
        path=path,
        pair=load_pair(pair),
        generation=Generation(**stored["generation"]),
        mode=stored["record"]["mode"],
        branches=stored["record"]["branches"],
        fps=stored["fps"],
        response=response_grid(stored["record"]["response"]) if "response" in stored["record"] else (),
    )
    return check_same(study)


def default_fps(pair: Pair) -> int:
    """Return the frame rate of the preset, else 8."""
    return pair.preset.fps if pair.preset is not None else _DEFAULT_FPS


def _pinned(pair: Pair, stored: Mapping[str, Any]) -> Pair:
    commits = {
        f"revision_{arm}": stored[arm]["commit"]
        for arm in ("t2v", "i2v")
        if stored[arm].get("commit") and stored[arm].get("hub_id") == str(pair.source(arm)) and not pair.revision(arm)
    }
    return replace(pair, **commits)


def _recorded(path: Path) -> dict[str, Any]:
    """Return the configuration of a study that :func:`configuration` described."""
    stored = read_config(path)
    try:
        identity(stored)
        _ = stored["environment"], stored["pair"]["preset"], stored["pair"]["t2v"]["pipeline"]
    except (KeyError, TypeError) as error:
        raise StudyError(
            f"the study {path} was not made by `probe record` (its study.json lacks {error}); record another"
        ) from error
    return stored
