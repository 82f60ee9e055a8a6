"""Time every implementation against PyTorch's attention, interleaved, one CPU thread.

    python kernels/benchmarks/bench_kernels.py --csv runs/kernels.csv

Each round runs the baseline and one call of each method, so a machine that slows down slows
both; a ratio is formed within the round. On a CPU the clock is the thread's own CPU time,
on a GPU it is CUDA events. Errors are the largest deviation from the float64 specification.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from dymos_kernels import FrameLayout, FrameMass, attention_with_mass, biased_attention, frame_mass, implementations

Result = Tensor | FrameMass | tuple[Tensor, FrameMass | Tensor]
LAM = 0.6
CHUNK = 256
"""Query rows of a block of the chunked eager baseline."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One self-attention call of a video model."""

    name: str
    text: int
    frames: int
    tokens: int
    dim: int

    def shrunk(self, length: int) -> Shape:
        """Return the shape with fewer tokens a frame, so that it has about ``length`` tokens; 0 leaves it whole."""
        tokens = min(self.tokens, (length - self.text) // self.frames) if length else self.tokens
        return Shape(name=self.name, text=self.text, frames=self.frames, tokens=tokens, dim=self.dim)

    @property
    def length(self) -> int:
        """Number of tokens."""
        return self.text + self.frames * self.tokens


SHAPES = (
    Shape(name="cogvideox-5b", text=226, frames=13, tokens=1350, dim=64),
    Shape(name="cogvideox-5b, 3 frames", text=226, frames=3, tokens=1350, dim=64),
    Shape(name="wan2.1-14b", text=0, frames=21, tokens=1560, dim=128),
    Shape(name="small", text=16, frames=9, tokens=36, dim=32),
)


def chunked_eager(q: Tensor, k: Tensor, v: Tensor, layout: FrameLayout, bias: Tensor) -> Result:
    """Return biased attention and the masses of every query row, as one would write them without a library."""
    rows = layout.sequence_rows(bias, q.shape[2]).unsqueeze(-1)
    first, last = layout.span(0)
    outs, masses = [], []
    for start in range(0, q.shape[2], CHUNK):
        logits = (q[:, :, start : start + CHUNK] @ k.mT).float() * q.shape[-1] ** -0.5
        logits[..., first:last] -= rows[..., start : start + CHUNK, :]
        weights = torch.softmax(logits, -1)
        outs.append(weights.to(v.dtype) @ v)
        video = weights[..., layout.start : layout.stop]
        masses.append(video.reshape(*video.shape[:-1], layout.frames, layout.tokens).sum(-1))
    return torch.cat(outs, 2), torch.cat(masses, 2)


def seconds(call: Callable[[], Result], device: str) -> float:
    """Return how long one call takes."""
    if device == "cpu":
        started = time.thread_time()
        call()
        return time.thread_time() - started
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    begin.record()
    call()
    end.record()
    end.synchronize()
    return float(begin.elapsed_time(end)) / 1e3


def device_name(device: str) -> str:
    """Return what the CPU or GPU is called."""
    if device != "cpu":
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def error(result: Result, truth: tuple[Tensor, FrameMass], plain_mass: FrameMass) -> tuple[float, float]:
    """Return the largest error of the output and of the mass, NaN where there is none."""
    if isinstance(result, FrameMass):
        return float("nan"), (result.mass - plain_mass.mass).abs().max().item()
    if isinstance(result, Tensor):
        return (result.double() - truth[0]).abs().max().item(), float("nan")
    out, mass = result
    mass_error = (mass.mass - truth[1].mass).abs().max().item() if isinstance(mass, FrameMass) else float("nan")
    return (out.double() - truth[0]).abs().max().item(), mass_error


def measure(shape: Shape, *, heads: int, dtype: torch.dtype, device: str, pairs: int) -> list[dict[str, str | float]]:
    """Return one row a method."""
    generator = torch.Generator(device).manual_seed(0)
    sizes = (1, heads, shape.length, shape.dim)
    q, k, v = (torch.randn(sizes, generator=generator, device=device).to(dtype) for _ in range(3))
    layout = FrameLayout(frames=shape.frames, tokens=shape.tokens, start=shape.text)
    bias = torch.full((1, 1, shape.frames), LAM, device=device)
    bias[..., 0] = 0.0

    def sdpa() -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)

    methods: dict[str, Callable[[], Result]] = {"sdpa": sdpa}
    methods["eager, chunked"] = partial(chunked_eager, q, k, v, layout, bias)
    for impl in (name for name in implementations() if name != "reference"):
        methods[f"biased_attention {impl}"] = partial(biased_attention, q, k, v, layout, bias, impl=impl)
        methods[f"attention_with_mass {impl}"] = partial(attention_with_mass, q, k, v, layout, bias, impl=impl)
        methods[f"frame_mass {impl}"] = partial(frame_mass, q, k, layout, impl=impl)

    wide = q.double(), k.double(), v.double()
    truth = attention_with_mass(*wide, layout, bias, impl="reference")
    plain_out, plain_mass = attention_with_mass(*wide, layout, impl="reference")
    rows: list[dict[str, str | float]] = []
    for name, call in methods.items():
        result = call()
        errors = error(result, (plain_out, plain_mass) if name == "sdpa" else truth, plain_mass)
        sdpa()
        rounds = [(seconds(sdpa, device), seconds(call, device)) for _ in range(pairs)]
        ratios = [method / base for base, method in rounds]
        rows.append(
            {
                "date": datetime.date.today().isoformat(),
                "device": device_name(device),
                "torch": torch.__version__,
                "python": platform.python_version(),
                "shape": f"{shape.name} N={shape.length} F={shape.frames} P={shape.tokens} D={shape.dim} H={heads}",
                "dtype": str(dtype).removeprefix("torch."),
                "method": name,
                "sdpa_seconds": round(statistics.median(base for base, _ in rounds), 6),
                "ratio": round(statistics.median(ratios), 3),
                "lowest": round(min(ratios), 3),
                "highest": round(max(ratios), 3),
                "output_error": errors[0],
                "mass_error": errors[1],
            }
        )
    return rows


def append(path: Path, rows: list[dict[str, str | float]]) -> None:
    """Append rows to a CSV file, with a header when it is new."""
    new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        if new:
            writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Measure the shapes asked for, print a table, append it to the CSV file."""
    parser = argparse.ArgumentParser(description="Time biased attention and frame mass against PyTorch's attention.")
    parser.add_argument("--csv", type=Path, help="file to append rows to")
    parser.add_argument("--length", type=int, default=4096, help="tokens to shrink shapes to, 0 for full size")
    parser.add_argument("--heads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=7, help="interleaved rounds a method")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--shape", choices=[shape.name for shape in SHAPES], action="append")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for shape in SHAPES:
        if args.shape and shape.name not in args.shape:
            continue
        size, dtype = shape.shrunk(args.length), getattr(torch, args.dtype)
        rows = measure(size, heads=args.heads, dtype=dtype, device=args.device, pairs=args.pairs)
        print(f"{rows[0]['shape']} {args.dtype}, sdpa {rows[0]['sdpa_seconds']} s")
        for row in rows:
            spread = f"{row['ratio']:6.2f} ({row['lowest']:.2f}-{row['highest']:.2f})"
            print(f"  {row['method']:<28}{spread:<22} out {row['output_error']:.1e}  mass {row['mass_error']:.1e}")
        if args.csv:
            append(args.csv, rows)


if __name__ == "__main__":
    main()
