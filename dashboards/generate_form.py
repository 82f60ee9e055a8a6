"""The form of a new generation."""

from __future__ import annotations

import math
from typing import Any, get_args

import data
import streamlit as st
from generate_defaults import LEAST_LAM, MOST_LAM, READY_PROMPT, Defaults, defaults_of, is_shipped
from generate_image import Chosen, chosen_image
from job_address import FORM_OF, go_to
from job_worker import ensure_a_worker
from plain import as_code, as_sentence

from dymos_probe.bias import MATCHED, Schedule
from dymos_probe.cli.options import DEFAULT_PAIR, indices
from dymos_probe.errors import ProbeError
from dymos_probe.figures.labels import counted, strength
from dymos_probe.jobs import Job, OfferedPair, Request, offered_pairs, submit
from dymos_probe.jobs.request import MAX_PROMPT
from dymos_probe.pairs.pair import Offload

WORDS = {
    "colour": "red, green, blue, yellow, purple, cyan, orange or white",
    "shape": "circle, square, triangle, plus or star",
    "direction": "left, right, up or down",
    "speed": "slowly, steadily or quickly",
    "background": "black, navy or maroon",
}
"""All the shipped pairs were taught."""

_MOST_SEED = 2**53 - 1  # the largest whole number a browser holds
_OF = "sample the prompt is from"


def form(again: Job | None) -> None:
    """Show the form, with the settings of ``again`` where it is given; submit what it says, and go to that job."""
    pair = _chosen_pair(again)
    defaults = defaults_of(pair, again)
    of = (pair.name, again.id if again is not None else "")
    _take_over(defaults, of)
    image = chosen_image(pair, again)
    prompt = _prompt(pair, defaults, image)
    lam = _lam(pair, defaults)
    asked = _settings(pair, defaults, " ".join(of), image)
    runs = 1 + asked["with_t2v"] + (lam != 0.0)
    lacking = [why for arm, why in pair.lacks.items() if arm == "i2v" or asked["with_t2v"]]
    for why in lacking:
        st.warning("This pair cannot run here yet.", icon=":material/cloud_off:")
        st.text(as_sentence(why))
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button(
            "Generate", type="primary", icon=":material/movie_creation:", key="generate", disabled=bool(lacking)
        )
        arms = ["T2V"] * asked["with_t2v"] + ["λ = 0"] + [f"λ = {strength(lam)}"] * (lam != 0.0)
        st.caption(f"{counted(runs, 'run')}, all from the same noise: {', '.join(arms)}", width="content")
    if wanted:
        _submit(image, prompt, pair=pair.name, lam=lam, **asked)


def _chosen_pair(again: Job | None) -> OfferedPair:
    offered = {pair.name: pair for pair in offered_pairs(data.folder())}
    first = again.request.pair if again is not None and again.request.pair in offered else DEFAULT_PAIR
    name = st.selectbox(
        "Pair of models",
        list(offered),
        index=list(offered).index(first),
        key="pair",
        bind="query-params",
        help="A text-to-video model and the image-to-video model tuned from it.",
    )
    pair = offered[name]
    if pair.preset is not None and pair.preset.note:
        st.caption(pair.preset.note)
    if pair.needs_gpu:
        st.caption("It runs on this machine's GPU where there is one; a CPU would take days.")
    away = [each.name for each in offered.values() if each.lacks]
    if away:
        names = ", ".join(as_code(each) for each in away)
        st.caption(f"Weights not on this machine yet: {names}. Choose one to see how to fetch them.")
    return pair


def _take_over(defaults: Defaults, of: tuple[str, str]) -> None:
    """Take over the settings of another pair or generation; what the address says stands until then."""
    before = st.session_state.get(FORM_OF)
    st.session_state[FORM_OF] = of
    if before in (None, of):
        return
    for key in ("lam", "infinite", "step_ratio", "schedule", "seed"):
        st.session_state[key] = getattr(defaults, key)
    # Another pair alone leaves what somebody wrote.
    if before[1] != of[1] or not before[0] or st.session_state.get("prompt", "") in ("", READY_PROMPT):
        st.session_state["prompt"] = defaults.prompt


def _prompt(pair: OfferedPair, defaults: Defaults, image: Chosen) -> str:
    if image.of != st.session_state.get(_OF, ""):
        st.session_state[_OF] = image.of
        if image.prompt is not None:
            st.session_state["prompt"] = image.prompt
    prompt = st.text_area(
        "Prompt", defaults.prompt, max_chars=MAX_PROMPT, height=80, key="prompt", persist_state="session"
    )
    if is_shipped(pair):
        st.caption(
            "This pair knows sentences of one kind alone, *a COLOUR SHAPE moves DIRECTION SPEED on a BACKGROUND "
            "background*, and in them no other words than these: "
            + "; ".join(f"{name} {words}" for name, words in WORDS.items())
            + "."
        )
    return prompt


def _lam(pair: OfferedPair, defaults: Defaults) -> float:
    infinite = st.session_state.get("infinite", defaults.infinite)
    lam = st.slider(
        "λ: how strongly the look back at the reference image is weakened",
        LEAST_LAM,
        MOST_LAM,
        defaults.lam,
        step=0.1,
        format="%.1f",
        key="lam",
        bind="query-params",
        disabled=bool(infinite) or st.query_params.get("infinite") == "true",
    )
    infinite = st.checkbox(
        "λ = ∞: later frames cannot see the reference image at all",
        defaults.infinite,
        key="infinite",
        bind="query-params",
    )
    published = pair.preset.lam if pair.preset is not None else None
    said = "" if published is None else f" The paper takes {strength(published)} for this pair."
    st.caption(
        "At 0 the image-to-video model is untouched. Above 0 the frames it makes look less at the reference image and "
        "are freer to move, too far above and they forget it; below 0 they look at it more." + said
    )
    # A slider's steps are not exact in binary, and nobody means −0.
    return math.inf if infinite else round(float(lam), 1) + 0.0


def _settings(pair: OfferedPair, defaults: Defaults, basis: str, image: Chosen) -> dict[str, Any]:
    """Show what most people leave as it is, and return it as keywords of a request; ``layers`` as written."""
    with st.expander("More settings", icon=":material/tune:"):
        with st.grid("auto", min_column_width=240):
            step_ratio = st.slider(
                "Part of the steps in which λ acts",
                0.0,
                1.0,
                defaults.step_ratio,
                step=0.01,
                format="percent",
                key="step_ratio",
                bind="query-params",
                help="From the first step on; the first ones decide how much moves.",
            )
            schedules = [each for each in get_args(Schedule) if each != MATCHED]
            schedule = st.selectbox(
                "Schedule over the frames",
                schedules,
                index=schedules.index(defaults.schedule),
                key="schedule",
                bind="query-params",
                help="uniform: λ for every frame; linear and log: the later the frame, the more of it.",
            )
            seed = st.number_input(
                "Seed of the noise", 0, _MOST_SEED, defaults.seed, step=1, key="seed", bind="query-params"
            )
            layers = st.text_input(
                "Layers in which λ acts",
                defaults.layers,
                placeholder="all; or such as 0-9,12",
                key=f"layers of {basis}",
            )
            steps = _whole("Denoising steps", defaults.steps, f"steps of {basis}")
            guidance = st.number_input(
                "Guidance",
                value=defaults.guidance,
                min_value=0.0,
                step=0.5,
                format="%.1f",
                placeholder="the pair's own",
                key=f"guidance of {basis}",
                help="How strongly the prompt is followed; 1 turns it off.",
            )
            frames = _whole("Frames", defaults.frames, f"frames of {basis}")
            width = _whole("Width, pixels", defaults.width, f"width of {basis}")
            height = _whole("Height, pixels", defaults.height, f"height of {basis}")
        with_t2v = st.checkbox(
            "Run the T2V model too",
            defaults.with_t2v or image.is_first_frame,
            key=f"with t2v of {basis}{' first frame' * image.is_first_frame}",
            disabled=image.is_first_frame,
            help="Difference maps and d(λ) compare with it.",
        )
        offload, vae_tiling = defaults.offload, defaults.vae_tiling
        if pair.needs_gpu or pair.preset is None:
            choices = list(get_args(Offload))
            offload = st.selectbox(
                "What waits outside the GPU's memory",
                choices,
                index=choices.index(defaults.offload),
                key=f"offload of {basis}",
                help="none: nothing, quickest. model: whole models. sequential: single layers, slowest, least memory.",
            )
            vae_tiling = st.checkbox(
                "VAE in tiles: less memory, seams possible", defaults.vae_tiling, key=f"tiling of {basis}"
            )
    return {
        "step_ratio": round(float(step_ratio), 2),
        "schedule": schedule,
        "seed": int(seed),
        "layers": layers,
        "num_inference_steps": steps,
        "guidance_scale": guidance,
        "num_frames": frames,
        "width": width,
        "height": height,
        "with_t2v": bool(with_t2v),
        "offload": offload,
        "vae_tiling": vae_tiling,
    }


def _whole(label: str, value: int | None, key: str) -> int | None:
    return st.number_input(label, min_value=1, value=value, step=1, placeholder="the pair's own", key=key)


def _submit(image: Chosen, prompt: str, *, layers: str, **asked: Any) -> None:
    lacking = image.missing or ("" if prompt.strip() else "Write a prompt first: what the video is to show.")
    if lacking:
        st.error(lacking, icon=":material/edit:")
        return
    try:
        request = Request(prompt=prompt.strip(), layers=indices(layers.strip() or None, "layers"), **asked)
        job = submit(data.folder(), request, image=image.content)
    except (ProbeError, OSError) as error:
        st.error("This cannot be generated.", icon=":material/error:")
        st.text(as_sentence(str(error)))
        return
    ensure_a_worker()
    go_to(job=job)
