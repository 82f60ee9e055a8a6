"""What is asked of a job: values, checked when they are given, and their plain JSON form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from dymos_probe.bias import Bias, Schedule
from dymos_probe.errors import InputError
from dymos_probe.jobs.names import check_name
from dymos_probe.pairs import Offload
from dymos_probe.runs.prompts import PromptRow

MAX_PROMPT: Final = 10_000
"""Most characters of a prompt; far above what any text encoder reads."""

_SEEDS: Final = 2**63
_SIZES: Final = ("height", "width", "num_frames", "num_inference_steps")


@dataclass(frozen=True, kw_only=True)
class Request:
    """One image-to-video generation at strength λ, with the run at λ = 0 of the same seed beside it.

    None takes the pair's own setting, as `dymos_probe.record` does. What only the model knows (which
    sizes it takes, how many layers it has) is checked when the job runs, before its first step.

    Raises
    ------
    InputError
        When a value is wrong in itself.
    """

    prompt: str
    """What the video shows."""
    pair: str = "sprites"
    """Name of a preset, or of a folder in ``pairs`` of the studies folder."""
    lam: float = 0.0
    """Strength λ of Eq. 6, natural-log units; with 0 the run at λ = 0 is the only one."""
    step_ratio: float | None = None
    """Fraction of the denoising steps modulated; None: the pair's, else 0.2."""
    schedule: Schedule = "uniform"
    """Frame-wise φ."""
    layers: tuple[int, ...] | None = None
    """Layers modulated; None for all."""
    heads: tuple[int, ...] | None = None
    """Heads modulated; None for all."""
    seed: int = 0
    """Seed of the initial noise that all runs of the job share."""
    height: int | None = None
    """Pixels."""
    width: int | None = None
    """Pixels."""
    num_frames: int | None = None
    """Video frames."""
    num_inference_steps: int | None = None
    """Denoising steps S."""
    guidance_scale: float | None = None
    """Scale of classifier-free guidance."""
    negative_prompt: str | None = None
    """Prompt of the unconditional branch."""
    with_t2v: bool = False
    """Whether the T2V model runs as well, first; analyses that compare with it need it."""
    offload: Offload = "none"
    """What waits in main memory on a GPU."""
    vae_tiling: bool = False
    """Whether the VAE works in tiles: less memory, seams possible."""

    def __post_init__(self) -> None:
        """Refuse what no model could run."""
        check_name(self.pair, "a pair")
        PromptRow(prompt=self.prompt, line=1)
        if self.negative_prompt:
            PromptRow(prompt=self.negative_prompt, line=1)
        longest = max(len(self.prompt), len(self.negative_prompt or ""))
        if longest > MAX_PROMPT:
            raise InputError(f"the prompt has {longest} characters; at most {MAX_PROMPT} are taken")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < _SEEDS:
            raise InputError(f"seed {self.seed!r} must be a whole number between 0 and {_SEEDS - 1}")
        for name in _SIZES:
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise InputError(f"{name} {value!r} must be a whole number of at least 1")
        if self.guidance_scale is not None and not math.isfinite(self.guidance_scale):
            raise InputError(f"guidance_scale {self.guidance_scale} must be a number; 1 turns guidance off")
        if self.offload not in ("none", "model", "sequential"):
            raise InputError(f"offload {self.offload!r} is unknown; choose one of none, model, sequential")
        Bias(
            lam=self.lam,
            step_ratio=1.0 if self.step_ratio is None else self.step_ratio,
            schedule=self.schedule,
            layers=self.layers,
            heads=self.heads,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the generation, as `dymos_probe.record` names them, None where the pair decides."""
        return {name: getattr(self, name) for name in (*_SIZES, "guidance_scale", "negative_prompt")}

    def to_json(self) -> dict[str, Any]:
        """Return the request as JSON values; λ = ±inf, which JSON lacks, as text."""
        return asdict(self) | {"lam": self.lam if math.isfinite(self.lam) else str(self.lam)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Request:
        """Return the request that :meth:`to_json` wrote."""
        values = {field.name: document[field.name] for field in fields(cls) if field.name in document}
        for name in ("layers", "heads"):
            values[name] = None if values.get(name) is None else tuple(values[name])
        return cls(**{**values, "lam": float(values["lam"])})
