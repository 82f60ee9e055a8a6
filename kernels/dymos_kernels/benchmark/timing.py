"""Times every implementation against PyTorch's attention on the same tensors, round by round.

Each round runs the baseline and one call of the method, so a machine that slows down slows
both. Errors are the largest deviation from the float64 specification.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dymos_kernels.api import attention_with_mass, biased_attention, frame_mass, implementations
from dymos_kernels.benchmark.baselines import eager, fastest_sdpa
from dymos_kernels.benchmark.clock import peak_bytes, seconds
from dymos_kernels.benchmark.rows import Row, device_name
from dymos_kernels.benchmark.shapes import Shape
from dymos_kernels.layout import FrameMass

LAM = 0.6
LARGEST_EAGER = 2**31
"""Logits of the whole matrix above which the eager baseline is left out: 8 GiB in float32, several times over."""

Method = tuple[str, str, Callable[[], Any]]
"""Operation, implementation, call."""


def methods_of(device: str, impls: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the implementations to time on ``device``: those asked for, or all there are but the specification.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    known = (*(name for name in implementations(device) if name != "reference"), "eager")
    if unknown := [name for name in impls or () if name not in known]:
        raise ValueError(f"impl {', '.join(unknown)!r} is not available on {device}; choose from {', '.join(known)}")
    return tuple(impls or known)


def measure(shape: Shape, *, dtype: torch.dtype, device: str, rounds: int, impls: Sequence[str]) -> Iterator[Row]:
    """Yield one row a method, the baseline's own first."""
    q, k, v = shape.tensors(dtype, device)
    key_mask, layout = shape.key_mask(device), shape.layout
    bias = torch.full((1, 1, shape.frames), LAM, device=device)
    bias[..., 0] = 0.0
    given: dict[str, Any] = {"key_mask": key_mask, "impl": "reference"}
    wide = q.double(), k.double(), v.double()
    plain = attention_with_mass(*wide, layout, **given)
    biased = attention_with_mass(*wide, layout, bias, **given)
    del wide
    backend, base = fastest_sdpa(q, k, v, key_mask, device)

    methods: list[Method] = [("attention", "sdpa", base)]
    for name in impls:
        if name == "eager":
            if q.shape[0] * q.shape[1] * shape.length**2 <= LARGEST_EAGER:
                methods.append(("attention_with_mass", name, partial(eager, q, k, v, layout, bias, key_mask)))
            continue
        options: dict[str, Any] = {"key_mask": key_mask, "impl": name}
        methods += [
            ("biased_attention", name, partial(biased_attention, q, k, v, layout, bias, **options)),
            ("attention_with_mass", name, partial(attention_with_mass, q, k, v, layout, bias, **options)),
            ("frame_mass", name, partial(frame_mass, q, k, layout, **options)),
        ]
    tensor = q.numel() * q.element_size()
    for operation, impl, call in methods:
        result = call()  # also warms up and compiles
        base()
        pairs = [(seconds(base, device), seconds(call, device)) for _ in range(rounds)]
        ratios = [method / baseline for baseline, method in pairs]
        truth = biased if operation in ("biased_attention", "attention_with_mass") else plain
        output_error, mass_error = _errors(result, truth)
        del result
        yield Row(
            device_type=torch.device(device).type,
            device=device_name(device),
            threads=torch.get_num_threads() if device == "cpu" else 1,
            shape=shape.name,
            batch=shape.batch,
            heads=shape.heads,
            length=shape.length,
            frames=shape.frames,
            tokens=shape.tokens,
            text=shape.before + shape.after,
            masked=shape.masked,
            dim=shape.dim,
            dtype=str(dtype).removeprefix("torch."),
            operation=operation,
            impl=impl,
            baseline=backend,
            baseline_seconds=round(statistics.median(baseline for baseline, _ in pairs), 6),
            ratio=round(statistics.median(ratios), 3),
            lowest=round(min(ratios), 3),
            highest=round(max(ratios), 3),
            extra_tensors=round(peak_bytes(call, device) / tensor, 2),
            output_error=output_error,
            mass_error=mass_error,
        )


def _errors(result: Any, truth: tuple[Tensor, FrameMass]) -> tuple[float | None, float | None]:
    """Return the largest error of the output and of the mass, None for what there is not."""
    out, mass = (None, result.mass) if isinstance(result, FrameMass) else (result, None)
    if isinstance(result, tuple) and not isinstance(result, FrameMass):
        out, mass = result[0], result[1].mass if isinstance(result[1], FrameMass) else result[1]

    def largest(got: Tensor | None, wanted: Tensor) -> float | None:
        return None if got is None else float(f"{(got.double() - wanted).abs().max().item():.2e}")

    return largest(out, truth[0]), largest(mass, truth[1].mass)
