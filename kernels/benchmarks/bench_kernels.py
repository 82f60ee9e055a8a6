"""Time every implementation and keep the rows that ``impl="auto"`` chooses by.

    python kernels/benchmarks/bench_kernels.py --csv kernels/dymos_kernels/measured.csv

The kernels without the rest of the project: PyTorch is all this needs. On a CPU with one thread
the clock is the thread's own CPU time, with more it is the wall's; on a GPU it is CUDA events.
Shapes are those of the published models, on a CPU cut to what it does in seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from dymos_kernels.benchmark import CUT, WHOLE, append, measure, methods_of


def main() -> None:
    """Measure every shape, print a line a method, append the rows to the CSV file."""
    parser = argparse.ArgumentParser(description="Time biased attention and frame mass against PyTorch's attention.")
    parser.add_argument("--csv", type=Path, help="file to append rows to")
    parser.add_argument("--impl", action="append", help="implementation, repeatable; default all of this machine")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds a method")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="of a CPU")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dtype, impls = getattr(torch, args.dtype), methods_of(args.device, args.impl)
    for shape in CUT if args.device == "cpu" else WHOLE:
        print(f"{shape.name} N={shape.length} D={shape.dim} {args.dtype}")
        rows = []
        for row in measure(shape, dtype=dtype, device=args.device, rounds=args.rounds, impls=impls):
            print(f"  {row.operation:<20} {row.impl:<9} {row.ratio:6.2f} ({row.lowest:.2f}-{row.highest:.2f})")
            rows.append(row)
        if args.csv:
            append(args.csv, rows)


if __name__ == "__main__":
    main()
