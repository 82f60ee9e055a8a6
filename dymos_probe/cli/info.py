"""``probe info``: what is in a study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import listed, print_json, print_table, say
from dymos_probe.errors import CorruptStoreError

NAME = "info"


def run(
    path: Annotated[Path, typer.Argument(help="Folder of a study.")],
    verify: Annotated[bool, typer.Option("--verify", help="Read every chunk and check its checksum.")] = False,
    json: options.Json = False,
) -> None:
    """Show a study: its pair, sizes, samples and conditions, and how much attention goes to the reference frame."""
    from dymos_probe.analysis.summary import condition_table
    from dymos_probe.store import open_study, read_config, verify_study
    from dymos_probe.store.schema import LAM_RESPONSE

    config = read_config(path)
    ds = open_study(path)
    if verify and (damaged := verify_study(path)):
        named = ", ".join(f"{condition} of {sample}" for sample, condition in damaged[:3])
        raise CorruptStoreError(
            f"{len(damaged)} of the runs in {path} are damaged: {named}{' …' if len(damaged) > 3 else ''}; "
            "dymos_probe.store.forget_run drops one, then the command that made it makes it again"
        )
    table = condition_table(ds)
    if json:
        document: dict[str, Any] = {"study": str(path)}
        document |= {key: config.get(key) for key in ("pair", "generation", "record")}
        document |= {"sizes": {str(name): size for name, size in ds.sizes.items()}, "conditions": table}
        print_json({**document, "verified": verify})
        return
    for line in _settings(path, config):
        say(line)
    say(
        f"{ds.sizes['layer']} layers × {ds.sizes['head']} heads, {ds.sizes['step']} steps, "
        f"{ds.sizes['query_frame']} latent frames" + ("; every checksum holds" if verify else "")
    )
    if LAM_RESPONSE in ds.sizes:
        say(f"response of untouched runs at λ = {listed(ds[LAM_RESPONSE].values)}")
    say()
    rows = [
        (
            str(row["condition"]),
            str(row["arm"]),
            "—" if row["lam"] is None else f"{row['lam']:g}",
            f"{row['complete']}/{row['samples']}",
            "—" if row["dominance"] is None else f"{row['dominance']:.4f}",
            "—" if row["distance"] is None else f"{row['distance']:.5f}",
        )
        for row in table
    ]
    print_table(("condition", "arm", "λ", "complete", "dominance", "d to T2V"), rows)
    say()
    say("dominance: attention of generated frames on the reference frame, first 10 % of steps (Eq. 8, column 0)")
    say("d to T2V: Jensen-Shannon divergence of the attention rows from the T2V run's, nats (Eq. 5)")


def _settings(path: Path, config: Mapping[str, Any]) -> list[str]:
    """Return lines on how a study was made, as far as its maker said: not every study is `probe record`'s."""
    try:
        models = [config["pair"][arm] for arm in ("t2v", "i2v")]
        names = [model.get("hub_id") or model["folder"] for model in models]
        settings = config["generation"]
        return [
            f"{path}: {config['pair']['preset'] or ' + '.join(names)}",
            *filter(None, [config["pair"].get("note")]),
            f"{settings['num_frames']} frames of {settings['width']}×{settings['height']}, guidance "
            f"{settings['guidance_scale']:g}, {config['dtype']}, recording mode {config['record']['mode']}",
        ]
    except (KeyError, TypeError):
        return [f"{path}: a study not made by `probe record`"]
