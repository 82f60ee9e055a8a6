"""Loads one arm of a pair as a diffusers pipeline: the only place weights come into the process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dymos_probe.errors import EnvironmentLacksError, InputError, is_out_of_memory
from dymos_probe.pairs.folder import check_folder, missing_weights
from dymos_probe.pairs.pair import Arm, Pair, load_pair
from dymos_probe.pairs.quiet import quiet_libraries

if TYPE_CHECKING:
    import torch
    from diffusers import DiffusionPipeline

__all__ = ["Arm", "Pair", "load_pair", "load_pipeline", "placement"]


def load_pipeline(pair: Pair, arm: Arm) -> DiffusionPipeline:
    """Return one arm of a pair, loaded, in eval mode, on its device and with its scheduler.

    Only safetensors are read and no code that comes with a model is run. Weights that are
    not on this machine are downloaded if the hub can be reached.

    Raises
    ------
    EnvironmentLacksError
        When the device is not there, the weights cannot be reached, or memory runs out.
    InputError
        When the model is damaged, of the wrong kind, or its scheduler cannot be replaced as asked.
    """
    from diffusers import schedulers

    device, dtype = placement(pair)
    if pair.scheduler is not None and not hasattr(schedulers, pair.scheduler):
        raise InputError(f"diffusers has no scheduler {pair.scheduler!r}; try 'FlowMatchEulerDiscreteScheduler'")
    with quiet_libraries():
        folder = pair.folder(arm) or _download(pair, arm)
        name = check_folder(folder, arm, pair.pipeline(arm))
        try:
            pipe = _pipeline_class(name).from_pretrained(
                folder, dtype=_weight_types(pair, dtype), use_safetensors=True, local_files_only=True
            )
            _place(pipe, pair, device)
        except Exception as error:  # the loaders of three libraries raise whatever they meet in a damaged file
            if is_out_of_memory(error):
                raise EnvironmentLacksError(
                    f"not enough memory for the {arm} model {pair.source(arm)} in {dtype} on {device}; {_relief(pair)}"
                ) from error
            raise InputError(f"the {arm} model in {folder} does not load: {_first_line(error)}") from error
    if pair.scheduler is not None:
        _set_scheduler(pipe, pair.scheduler)
    pipe.set_progress_bar_config(disable=True)
    loaded: DiffusionPipeline = pipe
    return loaded


def placement(pair: Pair) -> tuple[torch.device, torch.dtype]:
    """Return the device and the type of the weights a pair gets on this machine.

    Raises
    ------
    EnvironmentLacksError
        When the device asked for is not there.
    InputError
        When weights are to be offloaded from a CPU.
    """
    import torch

    if pair.device == "auto":
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    else:
        device = torch.device(pair.device)
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= gpus:
        seen = f"torch {torch.__version__} sees {gpus or 'no'} GPU{'' if gpus == 1 else 's'}"
        raise EnvironmentLacksError(
            f"device {pair.device!r} is not there: {seen}; use --device {'cuda:0' if gpus else 'cpu'}"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise EnvironmentLacksError("device 'mps' is not there: torch sees no Apple GPU; use --device cpu")
    if pair.offload != "none" and device.type == "cpu":
        raise InputError(f"offload {pair.offload!r} moves weights between a GPU and main memory; on a CPU use 'none'")
    if pair.dtype is not None:
        return device, getattr(torch, pair.dtype)
    if device.type == "cpu":
        return device, torch.float32
    return device, getattr(torch, pair.preset.dtype if pair.preset else "bfloat16")


def _download(pair: Pair, arm: Arm) -> Path:
    """Return the hub cache's folder of the arm's commit, downloading what is missing."""
    from diffusers import DiffusionPipeline

    try:
        folder = DiffusionPipeline.download(str(pair.source(arm)), revision=pair.revision(arm), use_safetensors=True)
    except Exception as error:  # hub, network, disk and diffusers' own checks share no base class
        raise _unreachable(pair, arm, error) from error
    # diffusers hands back an interrupted download as it is when the hub cannot be reached.
    if missing := missing_weights(Path(folder)):
        raise _lacking(pair, arm, f"{missing[0]} is missing there")
    return Path(folder)


def _unreachable(pair: Pair, arm: Arm, error: Exception) -> EnvironmentLacksError | InputError:
    from huggingface_hub import errors

    source, revision = pair.source(arm), pair.revision(arm)
    cause = error.__cause__ or error
    if isinstance(cause, OSError) and "safetensors" in str(cause) and error.__cause__ is None:
        return InputError(
            f"the {arm} model {source} has no safetensors weights on the hub, and pickled ones are not read"
        )
    if isinstance(cause, errors.OfflineModeIsEnabled):
        why = "HF_HUB_OFFLINE is set"
    elif isinstance(cause, errors.GatedRepoError):
        why = "its terms have to be accepted on huggingface.co and `hf auth login` run"
    elif isinstance(cause, errors.RevisionNotFoundError):
        why = f"it has no revision {revision!r}"
    elif isinstance(cause, errors.RepositoryNotFoundError):
        why = "the hub has no such repository, or it is private"
    else:
        why = _first_line(cause)
    return _lacking(pair, arm, why)


def _lacking(pair: Pair, arm: Arm, why: str) -> EnvironmentLacksError:
    from huggingface_hub import constants

    source, revision = pair.source(arm), pair.revision(arm)
    pinned = f" --revision {revision}" if revision else ""
    return EnvironmentLacksError(
        f"the weights of the {arm} model {source} are not all in {constants.HF_HUB_CACHE} and cannot be downloaded "
        f"({why}); where there is a network run: hf download {source}{pinned}"
    )


def _pipeline_class(name: str) -> Any:
    import diffusers

    return getattr(diffusers, name)


def _weight_types(pair: Pair, dtype: torch.dtype) -> dict[str, torch.dtype]:
    import torch

    types = {"default": dtype}
    # Asking for one type on the command line means all of it.
    if pair.dtype is None and pair.preset is not None and pair.preset.vae_dtype is not None:
        types["vae"] = getattr(torch, pair.preset.vae_dtype)
    return types


def _place(pipe: Any, pair: Pair, device: torch.device) -> None:
    if pair.offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    elif pair.offload == "sequential":
        pipe.enable_sequential_cpu_offload(device=device)
    else:
        pipe.to(device)
    if pair.vae_tiling:
        pipe.vae.enable_tiling()


def _set_scheduler(pipe: Any, name: str) -> None:
    """Replace the scheduler by one of class `name` with the same configuration, as Table 3 lists it."""
    from diffusers import schedulers

    wanted = getattr(schedulers, name)
    if type(pipe.scheduler) is wanted:
        return
    config = dict(pipe.scheduler.config)
    # UniPC solves a flow only when told so, and calls the shift of the noise levels by another name.
    flow = type(pipe.scheduler).__name__.startswith("FlowMatch")
    if flow and name == "UniPCMultistepScheduler":
        config |= {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": config["shift"]}
    elif flow != name.startswith("FlowMatch") and not config.get("use_flow_sigmas"):
        raise InputError(
            f"{type(pipe.scheduler).__name__} and {name} define noise differently; the model needs the former"
        )
    pipe.scheduler = wanted.from_config(config)


def _relief(pair: Pair) -> str:
    if pair.offload == "none":
        return "use --offload model, or --dtype bfloat16"
    return "use --offload sequential and --vae-tiling" if pair.offload == "model" else "use a GPU with more memory"


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
