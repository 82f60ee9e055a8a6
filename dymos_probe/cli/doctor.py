"""``probe doctor``: what works on this machine, and what is missing."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version

import typer

from dymos_probe.cli import options
from dymos_probe.cli.console import print_json, print_table, quiet_libraries, say

NAME = "doctor"

_GIB = 2**30
_TOLERANCE = 2e-5


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    state: str
    """``ok``, ``missing`` (something is not possible) or ``broken`` (nothing runs)."""
    detail: str


def run(json: options.Json = False) -> None:
    """Look at this machine: libraries, GPU, memory, video, pictures, weights; exit 3 when nothing can run."""
    with quiet_libraries():
        findings = [_found(look) for look in _LOOKS]
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(("", "state", ""), [(f.what, f.state, f.detail) for f in findings])
        say()
        broken = [f.what for f in findings if f.state == "broken"]
        say(f"broken: {', '.join(broken)}" if broken else "Recording and intervening work here.")
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(3)


def _found(look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Exception as error:  # a broken install may raise anything; that is what is to be found
        return Finding(look.__name__.strip("_"), "broken", f"{type(error).__name__}: {error}")


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _libraries() -> Finding:
    try:
        import diffusers  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except Exception as error:
        return Finding("libraries", "broken", f"{type(error).__name__}: {error}")
    names = ("torch", "diffusers", "transformers", "xarray", "zarr")
    return Finding("libraries", "ok", ", ".join(f"{name} {version(name)}" for name in names))


def _torchvision() -> Finding:
    if importlib.util.find_spec("torchvision") is None:
        return Finding("torchvision", "ok", "not installed, not needed")
    try:
        import torchvision  # noqa: F401
    except Exception as error:
        return Finding(
            "torchvision", "broken", f"installed for another torch ({error}); uninstall it, it breaks diffusers"
        )
    return Finding("torchvision", "ok", version("torchvision"))


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("GPU", "missing", "none; small pairs run on the CPU, the published ones need a GPU")
    name = torch.cuda.get_device_name()
    free, total = torch.cuda.mem_get_info()
    return Finding("GPU", "ok", f"{name}, {free / _GIB:.0f} of {total / _GIB:.0f} GiB free")


def _disk() -> Finding:
    free = shutil.disk_usage(".").free / _GIB
    return Finding("disk", "ok" if free > 1 else "missing", f"{free:.0f} GiB free in this folder")


def _kernels() -> Finding:
    from dymos_probe.tap.selfcheck import kernel_errors

    errors = kernel_errors()
    worst = max(errors.values())
    return Finding(
        "kernels", "ok" if worst < _TOLERANCE else "broken", f"{', '.join(errors)}; largest error {worst:.1e}"
    )


def _video() -> Finding:
    import av

    if "libx264" not in av.codecs_available:
        return Finding("MP4", "broken", f"PyAV {version('av')} has no libx264; reinstall av from a wheel")
    return Finding("MP4", "ok", f"PyAV {version('av')} with libx264")


def _pictures() -> Finding:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if importlib.util.find_spec("kaleido") is None or found is None:
        lacking = "kaleido" if importlib.util.find_spec("kaleido") is None else "Chrome or Chromium"
        return Finding("PNG figures", "missing", f"no {lacking}; figures are written as HTML")
    return Finding("PNG figures", "ok", found)


def _weights() -> Finding:
    from huggingface_hub import constants

    from dymos_probe.pairs import PRESETS

    cache = constants.HF_HUB_CACHE
    here = [
        name
        for name, preset in PRESETS.items()
        if preset.t2v and preset.i2v and all(_cached(source.hub_id) for source in (preset.t2v, preset.i2v))
    ]
    if here:
        return Finding("weights", "ok", f"{', '.join(here)} in {cache}")
    return Finding("weights", "missing", f"none of the published pairs in {cache}; `hf download ID` fetches one")


def _cached(hub_id: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(hub_id, "model_index.json"), str)


_LOOKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _libraries,
    _torchvision,
    _gpu,
    _disk,
    _kernels,
    _video,
    _pictures,
    _weights,
)
