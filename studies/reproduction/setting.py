"""What a rerun of the studies is given: a pair, prompts, seeds; and where its runs go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.pairs import preset
from dymos_probe.pairs.preset import Preset

SHIPPED = ("sprites", "sprites-uncurated")
"""Pairs whose prompts come with them: the held-out captions of `studies.sprites`."""
HELD_OUT = 64
"""How many of these captions the studies take: those the model cards are measured on, with other noise."""
RESPONSE = (-2.0, -1.0, 0.5, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0)
"""λ whose direct effect the untouched runs of a shipped pair keep beside their attention; a published pair, whose
maps are large, keeps none."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What every study of one rerun shares.

    Raises
    ------
    InputError
        When the pair is no preset, has no prompts of its own and is given none, or a number is out of range.
    """

    pair: str = "sprites"
    """Name of a preset, see ``probe pairs``."""
    prompts: Path | None = None
    """Prompt file; None takes the held-out captions, which only the shipped pairs have."""
    samples: int | None = None
    """Only the first so many held-out captions, for a quick look; None takes all that the studies take."""
    seeds: tuple[int, ...] = (0,)
    """Of the initial noise; each prompt is run with each."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        preset(self.pair)
        if self.prompts is None and self.pair not in SHIPPED:
            raise InputError(
                f"the pair {self.pair} comes without prompts; give --prompts FILE, such as T2V-CompBench's "
                "or VBench-I2V's"
            )
        if self.prompts is not None and not self.prompts.is_file():
            raise MissingFileError(f"there is no prompt file {self.prompts}")
        if self.prompts is not None and self.samples is not None:
            raise InputError(f"samples {self.samples} counts held-out captions; shorten {self.prompts} instead")
        if self.samples is not None and not 1 <= self.samples <= HELD_OUT:
            raise InputError(f"samples {self.samples} is outside 1 to {HELD_OUT}, the held-out captions there are")

    @property
    def preset(self) -> Preset:
        """Settings of the pair."""
        return preset(self.pair)

    @property
    def shipped(self) -> bool:
        """Whether this is the rerun whose results are committed: the default pair on all its captions."""
        return self == Setting()

    @property
    def described_prompts(self) -> str:
        """What the prompts are, in words."""
        if self.prompts is not None:
            return self.prompts.name
        return f"the first {self.count} held-out captions" if self.samples else f"{self.count} held-out captions"

    @property
    def count(self) -> int | None:
        """How many prompts; None for all of a file."""
        return None if self.prompts is not None else self.samples or HELD_OUT

    def texts(self) -> Path | tuple[str, ...]:
        """Return the prompt file, or the held-out captions themselves."""
        if self.prompts is not None:
            return self.prompts
        # Heavy, and needed by nobody who brings prompts.
        from studies.sprites.config import sprites
        from studies.sprites.measure import held_out_clips

        return tuple(clip.caption for clip in held_out_clips(sprites())[: self.count])

    def response(self, pair: str) -> tuple[float, ...]:
        """Return the λ whose direct effect the untouched runs of ``pair`` keep."""
        return RESPONSE if pair in SHIPPED else ()

    def store(self, pair: str) -> str:
        """Return the name of the folder of the runs of ``pair``: other prompts or seeds are another study."""
        parts = [pair]
        if self.prompts is not None:
            parts.append(self.prompts.stem)
        elif self.samples is not None:
            parts.append(f"first{self.samples}")
        if self.seeds != (0,):
            parts.append("seeds" + ",".join(map(str, self.seeds)))
        return "-".join(parts)
