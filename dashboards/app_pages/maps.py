"""Where both models look, how they differ, and which heads make the difference."""

from __future__ import annotations

import data
import streamlit as st
from chosen import chosen_study
from drawing import draw, with_clickable_cells
from windows import choose_all_heads, choose_head, chosen_window

from dymos_probe.analysis.select import i2v_condition, t2v_condition
from dymos_probe.errors import InputError, ProbeError
from dymos_probe.figures import arm_maps, dominance_by_step, head_grid, reading, sentences
from dymos_probe.figures.conditions import condition_names

_LINES = 8  # conditions over steps


def take_clicked_head() -> None:
    """Make the clicked cell of the grid the window."""
    for point in st.session_state["grid"]["selection"]["points"]:
        layer, head = point["customdata"]
        choose_head(int(layer), int(head))


st.title("Difference maps")
st.markdown(
    "While a video is made, every frame looks at every other frame. An image-to-video model (I2V) is given its first "
    "frame, the **reference frame**. Where its later frames look at that one much more than those of the text-to-video "
    "model (T2V) it was tuned from, they copy it, and the video stands still."
)
entry = chosen_study()
ds = data.study(entry.name, data.stamp_of(entry))
try:
    t2v, untouched = t2v_condition(ds), i2v_condition(ds, 0.0)
except ProbeError as error:
    st.warning("This study has no pair of models to compare.", icon=":material/info:")
    st.text(str(error))
    st.stop()
names = condition_names(ds)
others = [label for label in names if label != t2v]
compared = st.selectbox(
    "Compared with T2V",
    others,
    index=others.index(untouched),
    format_func=names.__getitem__,
    key="condition",
    bind="query-params",
    help="The untouched I2V model, or any other way of generating of this study.",
)
window = chosen_window(ds)
stamp = data.stamp_of(entry)
try:
    maps = data.maps(entry.name, stamp, (t2v, compared), window)
    if maps.attrs["conditions_dropped"]:
        raise InputError(f"{maps.attrs['conditions_dropped']} has no complete run yet")
except ProbeError as error:
    st.warning("There is nothing to compare yet.", icon=":material/info:")
    st.text(str(error))
    st.stop()

st.subheader("Where each looks: " + window.words())
st.markdown(reading.READ_MAPS)
left, right = (maps.isel(condition=place) for place in (0, 1))
draw(arm_maps(left, right), "maps", f"Attention between frames of T2V, of {names[compared]}, and their difference")
reference = maps.isel(query_frame=slice(1, None)).sel(key_frame=0).mean("query_frame").assign_attrs(maps.attrs)
st.markdown(f"**{sentences.attention_sentence(reference)}**")
if window.layers is not None or window.heads is not None:
    st.button("Back to all layers and heads", icon=":material/arrow_back:", on_click=choose_all_heads, args=(ds,))

st.subheader("Which heads")
st.markdown(reading.READ_HEADS + " Click a cell to see the maps of that head above.")
heads = data.heads(entry.name, stamp, window)
excess = heads["excess"].assign_attrs(heads.attrs | heads["excess"].attrs)
draw(
    with_clickable_cells(head_grid(excess, clusters=heads["cluster"], top=5)),
    "grid",
    "Excess attention on the reference frame of every head of every layer",
    on_click=take_clicked_head,
)
best = heads["rank"].argmin(("layer", "head"))
largest = (int(best["layer"]), int(best["head"]))
st.button(
    f"Show the head with the largest excess: layer {largest[0]}, head {largest[1]}",
    icon=":material/search:",
    on_click=choose_head,
    args=largest,
)

st.subheader("When")
st.markdown(reading.READ_STEPS)
lines = tuple(dict.fromkeys((t2v, untouched, compared, *names)))[:_LINES]
over_steps = data.dominance_over_steps(entry.name, stamp, lines, window.sample)
draw(
    dominance_by_step(over_steps),
    "over steps",
    "Attention on the reference frame in every denoising step, by condition",
)
