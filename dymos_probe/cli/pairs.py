"""``probe pairs``: the pairs known by name."""

from __future__ import annotations

from dataclasses import asdict

from dymos_probe.cli import options
from dymos_probe.cli.console import print_json, print_table, say

NAME = "pairs"


def run(json: options.Json = False) -> None:
    """List the pairs known by name, with the settings they are run with."""
    from dymos_probe.pairs import PRESETS

    if json:
        print_json({name: asdict(preset) | {"extra": dict(preset.extra)} for name, preset in PRESETS.items()})
        return
    rows = [
        (
            name,
            f"{p.num_frames}×{p.width}×{p.height}",
            str(p.fps),
            str(p.num_inference_steps),
            f"{p.guidance_scale:g}",
            p.scheduler.removesuffix("Scheduler"),
            "—" if p.lam is None else f"{p.lam:g}",
            "—" if p.step_ratio is None else f"{p.step_ratio:g}",
            p.schedule,
            p.i2v.hub_id if p.i2v is not None else "comes with dymos-probe" if p.shipped else "made on this machine",
        )
        for name, p in PRESETS.items()
    ]
    print_table(("pair", "frames×w×h", "fps", "steps", "cfg", "scheduler", "λ", "step_ratio", "φ", "i2v model"), rows)
    say()
    say("λ and step_ratio are the paper's (Table 3) or the model card's; — where they give none.")
    say("Any folder with t2v/ and i2v/ in it is a pair too: --pair FOLDER, or --t2v MODEL --i2v MODEL.")
