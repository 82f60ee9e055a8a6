"""The pairs a job can be asked for, and what each lacks on this machine; by a look at names, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dymos_probe.errors import ProbeError
from dymos_probe.jobs.names import PAIRS_FOLDER, inside
from dymos_probe.pairs.folder import missing_weights
from dymos_probe.pairs.preset import Preset
from dymos_probe.pairs.presets import PRESETS


@dataclass(frozen=True, kw_only=True)
class OfferedPair:
    """A pair that a job can name."""

    name: str
    """What a request calls it."""
    preset: Preset | None = None
    """Its settings; None for a folder of one's own, which runs with those its models name."""
    lacks: Mapping[str, str] = field(default_factory=dict)
    """Why an arm, ``t2v`` or ``i2v``, cannot run here and what to do, a sentence each; empty where both can."""

    @property
    def needs_gpu(self) -> bool:
        """Whether it is one of the published models, far too large for a CPU."""
        return self.preset is not None and self.preset.t2v is not None


def offered_pairs(folder: str | Path) -> tuple[OfferedPair, ...]:
    """Return every preset, then the pairs in ``pairs`` of a studies folder by name.

    Nothing is loaded: a model that is there may still be damaged, which the job says then.
    """
    own = Path(folder) / PAIRS_FOLDER
    names = sorted(path.name for path in own.iterdir() if path.is_dir()) if own.is_dir() else []
    return (
        *(OfferedPair(name=name, preset=preset, lacks=_lacks_of_preset(preset)) for name, preset in PRESETS.items()),
        # A preset's name means the preset, in a job too.
        *(OfferedPair(name=name, lacks=_lacks_of_folder(own, name)) for name in names if name not in PRESETS),
    )


def lacking_model(arm: str, source: str, revision: str | None) -> str:
    """Return why a model of the hub is not on this machine and the command that fetches it; empty where it is."""
    from huggingface_hub import constants, try_to_load_from_cache

    if isinstance(try_to_load_from_cache(source, "model_index.json", revision=revision), str):
        return ""
    pinned = f" --revision {revision}" if revision else ""
    return (
        f"the weights of the {arm} model {source} are not on this machine (in {constants.HF_HUB_CACHE}); "
        f"fetch them first: hf download {source}{pinned}"
    )


def _lacks_of_preset(preset: Preset) -> dict[str, str]:
    # What is shipped is here, and what is built is built on first use.
    sources = {"t2v": preset.t2v, "i2v": preset.i2v}
    lacks = {arm: lacking_model(arm, of.hub_id, of.revision) for arm, of in sources.items() if of is not None}
    return {arm: why for arm, why in lacks.items() if why}


def _lacks_of_folder(own: Path, name: str) -> dict[str, str]:
    lacks = {}
    for arm in ("t2v", "i2v"):
        try:
            place = inside(own, name, "a pair") / arm
            missing = missing_weights(place)
        except (ProbeError, OSError, KeyError) as error:
            lacks[arm] = " ".join(str(error).split())
            continue
        if missing:
            lacks[arm] = f"{place} is incomplete: {missing[0]} is missing; copy or save the model again"
    return lacks
