"""What was measured as text: one table of a pair, and one of every backbone beside the paper's Table 5."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dymos_probe.bench.rows import Row
from dymos_probe.bench.table5 import AIMS, DEVICE, TABLE_5

NOT_MEASURED = "not measured"
_METHODS = ("dymos", "alg", "observe", "fused")

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Columns, and rows of as many cells."""


def heading(rows: Sequence[Row]) -> list[str]:
    """Return what was run where, and whether it may be held beside the paper's numbers."""
    row = rows[0]
    lines = [
        f"{row.pair}, {row.weights} weights, {row.dtype}: {row.num_frames} frames of {row.width}×{row.height}, "
        f"{row.steps} steps, guidance {row.guidance_scale:g}, {row.layers} of {row.layers_published} layers",
        f"{row.date}, {row.device}; {row.versions}; rounds: {row.repeats}",
    ]
    if row.pair in TABLE_5 and not row.full_size:
        lines.append("This is not the published size: these numbers are not to be held beside the paper's.")
    return lines


def pair_table(rows: Sequence[Row], methods: Iterable[str]) -> Table:
    """Return one line a method, those that were not run included; columns without any cell are left out."""
    measured = {row.method: row for row in rows}
    paper, pair = TABLE_5.get(rows[0].pair), rows[0].pair
    columns = ("method", "seconds", "over the baseline", "GPU memory", f"paper ({DEVICE})", "aim", "each run")
    lines: list[tuple[str, ...]] = []
    for method in methods:
        row = measured.get(method)
        aim = f"below +{AIMS[method]:g} %" if method in AIMS and pair in TABLE_5 else ""
        published = ""
        if paper is not None and method == "baseline":
            published = f"{paper.baseline_seconds} s"
        elif paper is not None and method in paper.percent:
            published = f"{paper.seconds[method]} s, {paper.percent[method]:+g} %"
        if row is None or row.seconds is None or row.ratio is None:
            lines.append((method, NOT_MEASURED, "", "", published, aim, row.note if row is not None else ""))
            continue
        over = "" if method == "baseline" else f"{percent(row.ratio)} ({_range(row)})"
        memory = "" if row.peak_gib is None else f"{row.peak_gib:.1f} GiB"
        seconds = f"{row.seconds:.4g} ({row.seconds_lowest:.4g} to {row.seconds_highest:.4g})"
        lines.append((method, seconds, over, memory, published, aim, row.did))
    filled = [at for at in range(len(columns)) if any(line[at] for line in lines)]
    return tuple(columns[at] for at in filled), [tuple(line[at] for at in filled) for line in lines]


def paper_table(records: Iterable[Mapping[str, str]], device: str) -> Table:
    """Return additions over the baseline on ``device`` at full size, beside Table 5; of several the last counts.

    Parameters
    ----------
    records
        Rows as text, such as `dymos_probe.bench.rows.read_rows` returns.
    """
    here = {
        (record["pair"], record["method"]): percent(float(record["ratio"]))
        for record in records
        if record["full_size"] == "True" and record["device"] == device and record["ratio"]
    }
    columns = ("pair", "DyMoS, paper", "DyMoS, here", "ALG, paper", "ALG, here", "observe, here", "fused, here")
    lines: list[tuple[str, ...]] = []
    for pair, paper in TABLE_5.items():
        cells = [pair]
        for method in _METHODS:
            if method in paper.percent:
                cells.append(f"{paper.percent[method]:+g} %")
            cells.append(here.get((pair, method), NOT_MEASURED))
        lines.append(tuple(cells))
    return columns, lines


def percent(ratio: float) -> str:
    """Return a ratio of times as an addition, such as ``+1.2 %``."""
    return f"{100.0 * (ratio - 1.0):+.1f} %"


def _range(row: Row) -> str:
    assert row.ratio_lowest is not None and row.ratio_highest is not None
    return f"{percent(row.ratio_lowest)} to {percent(row.ratio_highest)}"
