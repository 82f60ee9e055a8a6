"""``attach``: record and bias the self-attention of a running diffusers pipeline."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from dymos_kernels import implementations
from dymos_probe.bias import Bias, Branch, response_grid
from dymos_probe.errors import InputError, TapError
from dymos_probe.families import Family, Site, denoisers, family_of
from dymos_probe.layout import TokenLayout
from dymos_probe.tap.attention import Measured, Request, answer, bias_table, response_tables
from dymos_probe.tap.clock import Clock, Tick
from dymos_probe.tap.compiled import forget_graphs, is_compiled, is_compiler_refusal
from dymos_probe.tap.method import Forward, Method, Running
from dymos_probe.tap.recording import Recorder, Recording
from dymos_probe.tap.seam import Call, Seam

if TYPE_CHECKING:
    import xarray as xr

RecordMode = Literal["observe", "fused"]


def attach(
    pipe: Any,
    *,
    record: bool | RecordMode = True,
    bias: Bias | None = None,
    alg: Method | None = None,
    response: Iterable[float] | None = None,
    branches: Literal["cond", "both"] = "both",
    on_step: Callable[[int, int], None] | None = None,
    family: Family | None = None,
    impl: str = "auto",
) -> Tap:
    """Return a context manager under which ``pipe`` is recorded and biased.

    Parameters
    ----------
    pipe
        A diffusers text-to-video or image-to-video pipeline of a known family.
    record
        ``"observe"`` (what True means) runs the model's own attention call and computes Eq. 8 beside it,
        so the video stays bit-identical; ``"fused"`` takes output and Eq. 8 from one pass, equal within
        rounding; False records nothing.
    bias
        The modulation of Eq. 6, or None for the untouched model.
    alg
        Adaptive low-pass guidance (`dymos_probe.ALG`) in place of a bias. In the steps where it acts, the record
        of ``cond`` is that of the forward on the filtered image, the one the video is guided to, and ``uncond``
        that of the plain one; its extra forward is not recorded and counts as no step or branch.
    response
        Strengths λ, any but NaN: Eq. 8 is also recorded as each of them would make it on the queries and keys
        of the untouched model (its direct effect; φ uniform, key frame 0), from the same pass. The record
        grows by ``attention`` once for each.
    branches
        Which guidance branches are recorded.
    on_step
        Called as ``on_step(step, steps)`` when the first forward of a step begins.
    family
        The architecture family; found from the pipeline's class when None.
    impl
        Which implementation of ``dymos_kernels`` computes; ``"auto"`` chooses.

    Raises
    ------
    InputError
        For an unknown pipeline class, mode or implementation, a bias on layers the model does not have, a bias
        and ALG together, ALG on a pipeline without a reference image, or a response that is no set of strengths,
        has a bias or ALG beside it, or no record to be in.
    TapError
        On entering, when another tap is open; while running or on leaving, when a self-attention layer did
        not go through the tap exactly once in each forward.

    Examples
    --------
    >>> with attach(pipe, bias=Bias(lam=0.6, step_ratio=0.2)) as probe:  # doctest: +SKIP
    ...     video = pipe(image=image, prompt=prompt).frames[0]
    >>> probe.attention.dims  # doctest: +SKIP
    ('branch', 'step', 'layer', 'head', 'query_frame', 'key_frame')
    """
    if record not in (True, False, "observe", "fused"):
        raise InputError(f"record {record!r} is unknown; choose True, False, 'observe' or 'fused'")
    if impl not in ("auto", *implementations()):
        raise InputError(f"impl {impl!r} is not available here; choose one of auto, {', '.join(implementations())}")
    if branches not in ("cond", "both"):
        raise InputError(f"branches {branches!r} is unknown; choose 'cond' or 'both'")
    bias = bias if bias is not None and bias.lam != 0.0 else None
    if bias is not None and alg is not None:
        raise InputError(f"a bias (λ = {bias.lam:g}) and ALG are given; attach one of the two")
    grid = () if response is None else response_grid(response)
    if grid and not record:
        raise InputError("response is part of the record, but record=False; record, or leave response out")
    if grid and (bias is not None or alg is not None):
        beside = "ALG is" if bias is None else f"a bias (λ = {bias.lam:g}) is"
        raise InputError(f"response is of the untouched attention, but {beside} given; attach with one of the two")
    return Tap(
        pipe,
        family or family_of(pipe)[0],
        mode="observe" if record is True else record or None,
        bias=bias,
        method=alg,
        response=grid,
        branches=("cond",) if branches == "cond" else ("cond", "uncond"),
        on_step=on_step,
        impl=impl,
    )


@dataclass
class _Forward:
    """What is known about the transformer forward that is running."""

    given: Forward
    layout: TokenLayout
    measured: dict[int, Measured | None] = field(default_factory=dict)
    """By layer, in the order they ran; None where no record is wanted."""

    @property
    def tick(self) -> Tick:
        """Where in the denoising loop it is."""
        return self.given.tick

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Guidance branch of each batch row."""
        return self.given.branches


class Tap:
    """An attached tap; made by :func:`attach`, used as a context manager once."""

    def __init__(
        self,
        pipe: Any,
        family: Family,
        *,
        mode: RecordMode | None,
        bias: Bias | None,
        method: Method | None,
        response: tuple[float, ...],
        branches: tuple[Branch, ...],
        on_step: Callable[[int, int], None] | None,
        impl: str,
    ) -> None:
        self._pipe, self._family, self._mode, self._bias = pipe, family, mode, bias
        self._response = response
        self._recorded_branches, self._on_step, self._impl = branches, on_step, impl
        self._transformers = denoisers(pipe)
        self._sites = tuple(family.sites(transformer) for transformer in self._transformers)
        self._check_bias()
        self._method = method
        self._running: Running | None = None
        if method is not None:
            method.begin(pipe, family)  # refuses here, before anything runs
        self._seam, self._clock = Seam(self._attend), Clock(pipe)
        self._handles: list[RemovableHandle] = []
        self._thread: int | None = None
        self._finished: list[Recording] = []
        self._recorder: Recorder | None = None
        self._forward: _Forward | None = None
        self._aside: set[int] | None = None
        self._site: int | None = None
        self._site_calls = self._forwards = 0
        self._guided = self._left = False

    # What the user reads ----------------------------------------------------------------

    @property
    def calls(self) -> tuple[Recording, ...]:
        """One recording for each completed pipeline call, in order."""
        return tuple(self._finished)

    @property
    def recording(self) -> Recording:
        """The recording of the last completed pipeline call."""
        if not self._finished:
            raise TapError(
                "nothing is recorded: " + ("record=False" if self._mode is None else "no pipeline call was completed")
            )
        return self._finished[-1]

    @property
    def attention(self) -> xr.DataArray:
        """Eq. 8 of the last call: (branch, step, layer, head, query_frame, key_frame), ``video`` first in a batch."""
        return self.recording.to_xarray()

    @property
    def text_mass(self) -> xr.DataArray:
        """Attention mass on text of the last call, the dims of ``attention`` but ``key_frame``."""
        return self.recording.to_xarray(text=True)

    @property
    def attention_response(self) -> xr.DataArray:
        """Eq. 8 of the last call as each λ of ``response`` would make it: ``lam``, then the dims of ``attention``."""
        return self.recording.to_xarray(response=True)

    @property
    def text_mass_response(self) -> xr.DataArray:
        """Attention mass on text that goes with ``attention_response``, its dims but ``key_frame``."""
        return self.recording.to_xarray(text=True, response=True)

    # Attaching and detaching ------------------------------------------------------------

    def __enter__(self) -> Self:
        """Attach: hooks on transformers and self-attention modules, and the seam."""
        if self._left:
            raise TapError("this tap was left; attach again for another `with` block")
        self._seam.open()
        try:
            self._timesteps_before = getattr(self._pipe.scheduler, "timesteps", None)
            for expert, transformer in enumerate(self._transformers):
                self._hook_transformer(expert, transformer)
            self._forget_graphs_if_compiled()
        except BaseException:
            self._detach()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Detach, and refuse a record that is not whole."""
        self._left = True
        self._detach()
        self._forget_graphs_if_compiled()
        if is_compiler_refusal(error):
            raise TapError(
                "torch.compile refused the tap's graph breaks; compile with fullgraph=False, or without compilation"
            ) from error
        if error is not None:
            return
        if not self._forwards and self._timesteps_before is not getattr(self._pipe.scheduler, "timesteps", None):
            raise TapError(
                f"{type(self._pipe).__name__} ran, but no forward of its transformer went through the tap; "
                "the transformer was replaced after attaching"
            )
        self._finish_call()

    def _detach(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._seam.close()
        self._forward = self._site = None

    def _forget_graphs_if_compiled(self) -> None:
        if is_compiled(self._pipe, self._transformers):
            forget_graphs()

    def _check_bias(self) -> None:
        bias = self._bias
        if bias is not None:
            # How many frames there are is known when the first forward begins, and checked there.
            frames = max((bias.key_frame, *(bias.query_frames or ()))) + 1
            frames = frames if bias.matched is None else len(bias.matched[0])
            for sites in self._sites:
                bias.check_fits(layers=len(sites), heads=sites[0].heads, frames=frames)

    # Hooks ------------------------------------------------------------------------------

    def _hook_transformer(self, expert: int, transformer: nn.Module) -> None:
        signature = inspect.signature(type(transformer).forward)

        @torch.compiler.disable
        def before(
            module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[tuple[()], dict[str, Any]] | None:
            if self._aside is not None:
                return None
            _, *inputs = signature.bind(module, *args, **kwargs).arguments.items()
            forward = self._begin_forward(expert, module, dict(inputs))
            if self._running is None:
                return None
            changed = self._running.inputs(forward)
            return None if changed is forward.inputs else ((), dict(changed))

        @torch.compiler.disable
        def after(module: nn.Module, args: Any, output: Any) -> Any:
            if self._aside is not None:
                return None
            forward, self._forward = self._forward, None
            if output is None or forward is None:
                return None
            self._end_forward(expert, forward)
            if self._running is None:
                return None
            prediction = self._running.output(forward.given, output[0])
            return None if prediction is output[0] else (prediction, *output[1:])

        self._handles.append(transformer.register_forward_pre_hook(before, with_kwargs=True))
        self._handles.append(transformer.register_forward_hook(after, always_call=True))
        for layer, site in enumerate(self._sites[expert]):
            self._hook_site(layer, site)

    def _hook_site(self, layer: int, site: Site) -> None:
        @torch.compiler.disable
        def before(module: nn.Module, args: Any) -> None:
            self._check_thread()
            self._site, self._site_calls = layer, 0

        @torch.compiler.disable
        def after(module: nn.Module, args: Any, output: Any) -> None:
            self._site = None
            if output is not None and self._site_calls != 1:
                raise TapError(
                    f"layer {site.name} called torch's scaled_dot_product_attention {self._site_calls} times, not 1; "
                    "an attention back end or a cache bypasses the tap; call "
                    "pipe.transformer.set_attention_backend('native') and disable caching"
                )

        self._handles.append(site.module.register_forward_pre_hook(before))
        self._handles.append(site.module.register_forward_hook(after, always_call=True))

    def _check_thread(self) -> None:
        here = threading.get_ident()
        self._thread = self._thread or here
        if here != self._thread:
            raise TapError("the tapped pipeline runs in two threads; run one pipeline call at a time under a tap")

    def _begin_forward(self, expert: int, transformer: nn.Module, inputs: dict[str, Any]) -> Forward:
        self._check_thread()
        tick = self._clock.tick()
        if tick.begins:
            self._begin_call()
        rows = inputs["hidden_states"].shape[0]
        branches = self._family.branches(self._pipe, rows=rows, forward=tick.forward, guided=self._guided)
        layout = self._family.layout(transformer, inputs)
        if self._bias is not None:
            self._bias.check_fits(layers=len(self._sites[0]), heads=self._sites[0][0].heads, frames=layout.frames)
        given = Forward(
            transformer=transformer,
            tick=tick,
            branches=branches,
            inputs=inputs,
            aside=partial(self._run_aside, expert, transformer),
        )
        self._forward = _Forward(given, layout)
        self._forwards += 1
        if tick.forward == 0 and self._on_step is not None:
            self._on_step(tick.step, tick.steps)
        return given

    def _run_aside(self, expert: int, transformer: nn.Module, inputs: Mapping[str, Any]) -> torch.Tensor:
        """Return the prediction of a forward that the clock and the record do not see."""
        self._aside = passed = set[int]()
        try:
            prediction: torch.Tensor = transformer(**inputs)[0]
        finally:
            self._aside = None
        self._check_passed(expert, passed, self._clock.step)
        return prediction

    def _end_forward(self, expert: int, forward: _Forward) -> None:
        self._check_passed(expert, forward.measured, forward.tick.step)
        rows = self._recorded_rows(forward)
        if self._recorder is not None and rows is not None:
            measured = [one for _, one in sorted(forward.measured.items()) if one is not None]
            self._recorder.add_forward(
                step=forward.tick.step,
                expert=expert,
                branches=forward.branches[rows],
                layout=forward.layout,
                masses=[one.mass for one in measured],
                responses=[one.response for one in measured if one.response is not None],
            )

    def _check_passed(self, expert: int, passed: Container[int], step: int) -> None:
        names = [site.name for site in self._sites[expert]]
        missed = [name for layer, name in enumerate(names) if layer not in passed]
        if missed:
            raise TapError(
                f"{len(missed)} of {len(names)} self-attention layers did not go through the tap in step {step}, "
                f"the first is {missed[0]}; disable caches that skip layers (pipe.transformer.disable_cache())"
            )

    def _begin_call(self) -> None:
        self._finish_call()
        self._guided = self._family.guided(self._pipe)
        if self._method is not None:
            self._running = self._method.begin(self._pipe, self._family)
        if self._mode is not None:
            counts = {len(sites) for sites in self._sites}
            if len(counts) > 1:
                raise TapError(f"the experts have different numbers of layers, {sorted(counts)}; record one at a time")
            timestep, sigma = self._clock.schedule
            layers = tuple(site.name for site in self._sites[0])
            self._recorder = Recorder(layers=layers, timestep=timestep, sigma=sigma, response=self._response)

    def _finish_call(self) -> None:
        recorder, self._recorder = self._recorder, None
        self._running = None  # it may hold a prediction
        if recorder is not None:
            self._finished.append(recorder.finish())

    # Attention --------------------------------------------------------------------------

    def _recorded_rows(self, forward: _Forward) -> slice | None:
        """Return the batch rows that are recorded; rows of one branch lie together."""
        rows = [row for row, branch in enumerate(forward.branches) if branch in self._recorded_branches]
        return slice(rows[0], rows[-1] + 1) if self._mode is not None and rows else None

    def _attend(self, call: Call) -> torch.Tensor | None:
        forward, layer = self._forward, self._site
        if layer is None or threading.get_ident() != self._thread:
            return None
        if self._aside is not None:
            self._site_calls += 1
            self._aside.add(layer)
            return None
        if forward is None:
            return None
        self._site_calls += 1
        batch, heads, length, _ = call.query.shape
        if length != forward.layout.length or call.key.shape[2] != length:
            raise TapError(
                f"layer {layer} attends {length}×{call.key.shape[2]} tokens where the layout has "
                f"{forward.layout.length} ({forward.layout}); the family's layout does not fit this model"
            )
        if batch != len(forward.branches):
            raise TapError(
                f"layer {layer} attends {batch} batch rows where the forward began with {len(forward.branches)}; "
                "disable caches that skip a branch (pipe.transformer.disable_cache())"
            )
        out, forward.measured[layer] = answer(
            call,
            Request(
                layout=forward.layout,
                table=bias_table(
                    self._bias, forward.tick, forward.branches, layer=layer, heads=heads, frames=forward.layout.frames
                ),
                key_frame=self._bias.key_frame if self._bias is not None else 0,
                responses=response_tables(self._response, forward.layout.frames),
                rows=self._recorded_rows(forward),
                fused=self._mode == "fused",
                impl=self._impl,
            ),
        )
        return out
