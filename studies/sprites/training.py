"""The loop every model of the study is trained by: optimiser, cosine, averaged weights, checkpoints, resume."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parallel import DistributedDataParallel

from studies.sprites.config import Optimisation
from studies.sprites.processes import rank, wait_for_all, world

Losses = dict[str, torch.Tensor]

LOG_EVERY = 20


def train(
    model: nn.Module,
    losses: Callable[[nn.Module, int], Losses],
    config: Optimisation,
    folder: Path,
) -> nn.Module:
    """Train ``model`` in place, leave the averaged weights in it and return it.

    ``losses(model, step)`` returns named terms that are summed and differentiated; it draws
    everything random from ``step``, so a run that is killed and started again goes on as if it
    had not been. Under several processes each gives the loss of its part of the batch and
    gradients are averaged.

    Parameters
    ----------
    folder
        Where ``checkpoint.pt`` and ``log.jsonl`` go; an existing checkpoint is taken up.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimisers = _optimisers(model, config)
    schedules = [get_cosine_schedule_with_warmup(each, config.warmup, config.steps) for each in optimisers]
    average = EMAModel(parameters, decay=config.ema_decay, use_ema_warmup=True, power=0.8)
    parts = {"model": model, "average": average}
    parts |= {f"optimiser {number}": each for number, each in enumerate(optimisers)}
    parts |= {f"schedule {number}": each for number, each in enumerate(schedules)}
    first, seconds = _resume(folder / "checkpoint.pt", parts)
    trained = DistributedDataParallel(model) if world() > 1 else model
    began = time.monotonic() - seconds
    for step in range(first, config.steps):
        terms = losses(trained, step)
        model.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        norm = nn.utils.clip_grad_norm_(parameters, config.gradient_norm)
        for each in (*optimisers, *schedules):
            each.step()
        average.step(parameters)
        done = step + 1
        if rank() == 0 and (done % LOG_EVERY == 0 or done == config.steps):
            seconds = round(time.monotonic() - began, 1)
            _log(folder, step=done, seconds=seconds, gradient=round(float(norm), 4), **_floats(terms))
        if rank() == 0 and (done % config.checkpoint_every == 0 or done == config.steps):
            _save(folder / "checkpoint.pt", done, time.monotonic() - began, parts)
    average.copy_to(parameters)
    if rank() == 0:
        record_training(folder, device=str(parameters[0].device), processes=world())
    wait_for_all()
    return model


@contextmanager
def brief_arithmetic(device: str) -> Iterator[None]:
    """Compute a forward pass in bfloat16 where that is enough, which takes half the time or less.

    A CPU's fused attention is made for long sequences: for a hundred tokens its backward pass
    takes longer than the whole of the matrix products.
    """
    on_cpu = torch.device(device).type == "cpu"
    attention = [SDPBackend.MATH] if on_cpu else [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
    with torch.autocast(torch.device(device).type, torch.bfloat16), sdpa_kernel(attention):
        yield


def seed_torch(*numbers: int) -> None:
    """Seed torch's own generator from several numbers, such as a seed, a step and a process."""
    torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


def record_training(folder: Path, *, device: str, processes: int) -> None:
    """Write ``training.json``: what a model card says of a training beside its configuration."""
    last = json.loads((folder / "log.jsonl").read_text().splitlines()[-1])
    facts = {
        "steps": last["step"],
        "minutes": round(last["seconds"] / 60, 1),
        "device": _device_name(device),
        "processes": processes,
        "torch": torch.__version__,
        "finished": time.strftime("%Y-%m-%d", time.gmtime()),
    }
    (folder / "training.json").write_text(json.dumps(facts, indent=1))


def _device_name(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    described = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    names = [line.split(":", 1)[1].strip() for line in described.splitlines() if line.startswith("model name")]
    return f"CPU, {names[0] if names else platform.machine()}"


def _optimisers(model: nn.Module, config: Optimisation) -> list[torch.optim.Optimizer]:
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    muon = config.optimiser == "muon"
    matrices = [p for name, p in trained.items() if muon and p.ndim == 2 and "transformer_blocks." in name]
    chosen = {id(p) for p in matrices}
    rest = [p for p in trained.values() if id(p) not in chosen]
    rate, decay = config.learning_rate, config.weight_decay
    optimisers: list[torch.optim.Optimizer] = [torch.optim.AdamW(rest, lr=rate, weight_decay=decay, betas=(0.9, 0.99))]
    if matrices:
        # Scaled so that one learning rate suits both.
        optimisers.append(torch.optim.Muon(matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"))
    return optimisers


def _resume(file: Path, parts: dict[str, Any]) -> tuple[int, float]:
    """Return the steps done and the seconds they took, without the time between a kill and the next start."""
    if not file.is_file():
        return 0, 0.0
    saved = torch.load(file, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"]), float(saved["seconds"])


def _save(file: Path, step: int, seconds: float, parts: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    torch.save({"step": step, "seconds": seconds, **{name: part.state_dict() for name, part in parts.items()}}, beside)
    os.replace(beside, file)


def _floats(terms: Losses) -> dict[str, float]:
    return {name: round(float(value.detach()), 6) for name, value in terms.items()}


def _log(folder: Path, **values: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.jsonl").open("a") as log:
        log.write(json.dumps(values) + "\n")
