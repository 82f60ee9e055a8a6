"""Table 2: the same comparison on prompts that ask for different motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from dymos_probe import figures
from dymos_probe.analysis import metric_changes
from dymos_probe.figures.labels import counted
from dymos_probe.store.schema import CONDITION, SAMPLE
from studies.reproduction.configurations import Methods
from studies.reproduction.methods import compared, compared_rows, gains, ids, side_by_side
from studies.reproduction.numbers import table
from studies.reproduction.page import in_place_of, picture
from studies.reproduction.paper import operation, printed
from studies.reproduction.results import Results
from studies.reproduction.setting import SHIPPED, Setting
from studies.reproduction.stand_ins import heading, stand_ins
from studies.reproduction.study import Found, Reproduction, Runs
from studies.reproduction.sweep import I2V
from studies.reproduction.verdict import Verdict
from studies.tab2_datasets import paper


@dataclass(frozen=True, kw_only=True)
class Datasets(Methods):
    """Table 2: one rerun a prompt file, or the held-out captions by a word of theirs."""

    words: tuple[str, ...]
    """Words that part the prompts into sets; none takes them as one."""


def configuration(setting: Setting) -> Datasets:
    """Return the published operation of the pair of a setting; the captions of the shipped pair part by speed."""
    at = operation(setting.pair)
    by_speed = setting.pair in SHIPPED and setting.prompts is None
    return Datasets(
        pair=setting.pair,
        prompts=setting.described_prompts,
        seeds=setting.seeds,
        lam=at.lam,
        step_ratio=at.step_ratio,
        words=("slowly", "steadily", "quickly") if by_speed else (),
    )


def measure(runs: Runs, config: Datasets) -> dict[str, Any]:
    """Return metrics of each method and their paired changes, by set."""
    ds = runs[config.pair].ds
    return {
        name: compared(ds, config.pair, config.ours, samples=samples)
        for name, samples in _sets(ds, config.words).items()
    }


def draw(runs: Runs, config: Datasets, found: Found) -> dict[str, go.Figure]:
    """Return the change of motion by DyMoS in each set."""
    ds, ours = runs[config.pair].ds, ids(config.pair, config.ours)["DyMoS"]
    motion = stand_ins(config.pair).motion
    parts = {
        name: metric_changes(ds, motion, [ours], against=I2V, samples=samples)
        for name, samples in _sets(ds, config.words).items()
    }
    # One line a set: the sets take the place of conditions.
    joined = xr.concat(
        [part.drop_vars(CONDITION) for part in parts.values()], CONDITION, coords="minimal", compat="override"
    )
    joined = joined.assign_coords({CONDITION: list(parts)}).assign_attrs(samples_total=ds.sizes[SAMPLE])
    return {
        "motion": figures.change_plot(joined, dict(zip(parts, parts, strict=True)), against="the untouched I2V model")
    }


def verdicts(results: Results) -> list[Verdict]:
    """Return what §4.2 says of Table 2 and whether it is so here, in each set."""
    pair = results.configuration["pair"]
    return [
        verdict
        for name, found in results.found.items()
        for verdict in gains(found, pair, place=paper.PLACE, where=f"{name}, ")[:2]
    ]


def body(results: Results) -> list[str]:
    """Return the page's parts."""
    pair = results.configuration["pair"]
    parts = [
        "### Here",
        (
            "In place of three data sets stand the captions that name one speed each, which ask for different amounts "
            "of motion. "
            if results.configuration["words"]
            else ""
        )
        + f"{in_place_of(pair)} In brackets: samples that have a value.",
    ]
    for name, found in results.found.items():
        parts.append(
            table(
                (f"{name}, {counted(found['samples'], 'sample')}", *map(heading, stand_ins(pair).names)),
                compared_rows(found, pair),
            )
        )
    sizes = ", ".join(f"{name} {count}" for name, count in paper.SAMPLES.items())
    return [
        *parts,
        picture("motion", "Change of motion by DyMoS in each set"),
        "### Side by side",
        "Relative changes, the paper's of Dynamic Degree, ours of its stand-in over the pairs in brackets.",
        side_by_side(paper.TABLE_2, results.found, pair),
        "### In the paper",
        f"Wan 2.2-14B; samples: {sizes}. It was not run here.",
        printed(paper.TABLE_2, "Table 2"),
    ]


def _sets(ds: xr.Dataset, words: tuple[str, ...]) -> dict[str, list[str]]:
    samples = [str(label) for label in ds[SAMPLE].values]
    if not words:
        return {"all prompts": samples}
    prompts = [str(prompt).split() for prompt in np.asarray(ds["prompt"].values)]
    found = {
        word: [sample for sample, prompt in zip(samples, prompts, strict=True) if word in prompt] for word in words
    }
    return {word: chosen for word, chosen in found.items() if chosen}


STUDY = Reproduction(
    name="tab2_datasets",
    title="Prompts that ask for different motion",
    paper="Table 2 and §4.2",
    configuration=configuration,
    measure=measure,
    draw=draw,
    verdicts=verdicts,
    body=body,
)
