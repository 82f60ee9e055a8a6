"""The videos of one sample under every condition, in step, and what they measure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import data
import streamlit as st
import xarray as xr
from chosen import chosen_study
from drawing import draw
from plain import as_code
from players import Cell, image_cell, players, video_cell

from dymos_probe.errors import ProbeError
from dymos_probe.figures import frame_strip, reading, time_slice
from dymos_probe.figures.conditions import condition_names
from dymos_probe.figures.sections.videos import liveliest_line
from dymos_probe.store.catalogue import StudyEntry

_AT_FIRST = 8  # conditions shown before anybody chooses
_COLUMNS = 6  # frames in a row of the strip


def chosen_sample(ds: xr.Dataset, entry: StudyEntry) -> str:
    """Return the sample chosen in the address, the list, by the arrows or among the suggestions."""
    samples = [str(sample) for sample in ds["sample"].values]
    asked = st.query_params.get("sample")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        sample = st.selectbox(
            "Sample", samples, key="sample", bind="query-params", help="One prompt with one seed of the noise."
        )
        place = samples.index(sample)
        ways: list[tuple[str, Literal["left", "right"], int]] = [
            ("Previous", "left", place - 1),
            ("Next", "right", place + 1),
        ]
        for label, side, to in ways:
            there = 0 <= to < len(samples)
            st.button(
                label,
                key=f"{label} sample",
                icon=f":material/chevron_{side}:",
                icon_position=side,
                on_click=_go_to,
                args=(samples[to] if there else sample,),
                disabled=not there,
            )
    if asked and asked not in samples:
        st.warning("This study has no sample of that name; this is its first one.")
    suggested = data.suggestions(entry.name, data.stamp_of(entry))
    if suggested:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("Samples to look at:", width="content")
            for number, each in enumerate(suggested):
                what, _, of = each.why.partition(", of ")
                st.button(
                    what,
                    key=f"suggestion {number}",
                    type="tertiary",
                    icon=":material/lightbulb:",
                    help=f"Of {as_code(of)}",
                    on_click=_go_to,
                    args=(each.sample,),
                )
    return sample


def _go_to(sample: str) -> None:
    st.session_state["sample"] = sample


def cells(ds: xr.Dataset, entry: StudyEntry, sample: str, chosen: dict[str, str]) -> list[Cell]:
    """Return the reference image and the video of every chosen condition, or why there is none."""
    run = ds.sel(sample=sample)
    complete = run["complete"].sel(condition=list(chosen)).values.tolist()
    return [
        image_cell(entry.name, str(run["image"].item()), label="Reference image"),
        *(
            video_cell(entry.name, sample, condition, label=label, complete=there)
            for (condition, label), there in zip(chosen.items(), complete, strict=True)
        ),
    ]


def strip(entry: StudyEntry, sample: str, chosen: dict[str, str]) -> xr.DataArray | None:
    """Show frames of the videos, a row a condition, and return them; None where there is nothing to show."""
    st.subheader("Frame by frame")
    st.markdown(reading.READ_STRIP)
    if not chosen:
        st.info("None of the chosen conditions has a video of this sample.", icon=":material/info:")
        return None
    try:
        frames = data.frames(entry.name, data.stamp_of(entry), sample, tuple(chosen), _COLUMNS)
    except ProbeError as error:
        st.error("These videos cannot be compared frame by frame.", icon=":material/broken_image:")
        st.text(str(error))
        return None
    # Without λ as a coordinate the rows stay in the order of the players.
    figure = frame_strip(frames.drop_vars(["arm", "lam"]), labels=list(chosen.values()), title="", columns=_COLUMNS)
    draw(
        figure,
        "strip",
        f"{frames.sizes['time']} frames of each video, a row for each of: {'; '.join(chosen.values())}",
    )
    return frames


def over_time(entry: StudyEntry, sample: str, frames: xr.DataArray, chosen: dict[str, str]) -> None:
    """Show the line of pixels that changes most, over all frames of each video."""
    if frames.sizes["time"] < 2:
        return
    st.subheader("One line of pixels over time")
    dim, at = liveliest_line(frames)
    st.markdown(reading.READ_SLICE[dim])
    lines = data.lines(entry.name, data.stamp_of(entry), sample, tuple(chosen), dim, at)
    figure = time_slice(lines, **{"row" if dim == "y" else "column": 0}, title="")
    line = f"{'Row' if dim == 'y' else 'Column'} {at}"
    draw(figure, "slice", f"{line} of every frame of each of: {'; '.join(chosen.values())}")


def measures(entry: StudyEntry, sample: str, chosen: dict[str, str], every: Sequence[str]) -> None:
    """Show what the chosen videos measure, and offer it, of every condition, as CSV."""
    st.subheader("What these videos measure")
    table = data.metrics(entry.name, data.stamp_of(entry), sample, tuple(every))
    if not table.data_vars:
        st.info("Nothing is measured in this study yet; `probe metrics STUDY` does it.", icon=":material/info:")
        return
    st.markdown("One row a condition. An empty cell is a value that is not measured, or cannot be.")
    titles = {name: _title(str(name), values) for name, values in table.data_vars.items()}
    rows = [
        {"condition": label} | {title: float(table[name].sel(condition=condition)) for name, title in titles.items()}
        for condition, label in chosen.items()
    ]
    st.dataframe(
        rows,
        hide_index=True,
        placeholder="",
        column_config={title: st.column_config.NumberColumn(format="%.3g") for title in titles.values()},
        alt="Metrics of the videos of this sample, a row for each condition",
    )
    labels = ["sample", "prompt", "seed", *(name for name in table.coords if "condition" in table[name].dims)]
    st.download_button(
        "All conditions as CSV",
        table.to_dataframe().reset_index()[[*labels, *table.data_vars]].to_csv(index=False),
        file_name=f"{sample}.csv",
        mime="text/csv",
        icon=":material/download:",
        help="Every condition of this sample, with its settings.",
        on_click="ignore",
    )


def _title(name: str, values: xr.DataArray) -> str:
    """Return the metric with its unit."""
    units = str(values.attrs.get("units", "1"))
    return str(values.attrs.get("long_name", name)) + ("" if units == "1" else f" ({units})")


st.title("Videos")
st.markdown(
    "Videos of one prompt, all from the same noise: what differs between them is the condition alone. **T2V** is the "
    "text-to-video model, **I2V** the image-to-video model tuned from it, which is given the reference image; **λ** "
    "says how strongly its attention on that image is changed: above 0 weakened, below 0 strengthened, 0 untouched."
)
entry = chosen_study()
ds = data.study(entry.name, data.stamp_of(entry))
if not ds.sizes["sample"] or not ds.sizes["condition"]:
    st.info("This study has no runs yet; they appear here by themselves.", icon=":material/info:")
    st.stop()
names = condition_names(ds)
sample = chosen_sample(ds, entry)
st.text(str(ds["prompt"].sel(sample=sample).item()))
shown = st.multiselect(
    "Conditions",
    list(names),
    default=list(names)[:_AT_FIRST],
    format_func=names.__getitem__,
    key="videos",
    bind="query-params",
)
chosen = {condition: name for condition, name in names.items() if condition in shown}
grid = cells(ds, entry, sample, chosen)
players(grid, key="players")
if not chosen:
    st.info("Choose a condition to see its video.", icon=":material/info:")
    st.stop()
videos = [cell for cell in grid if cell.frames]
playable = {condition: name for condition, name in chosen.items() if name in {cell.label for cell in videos}}
frames = strip(entry, sample, playable)
if frames is not None:
    over_time(entry, sample, frames, playable)
measures(entry, sample, chosen, list(names))


@st.fragment(run_every=2)
def watch() -> None:
    """Show the page anew once the study has changed."""
    now = next((each for each in data.studies() if each.name == entry.name), None)
    if now is not None and now.changed != entry.changed:
        st.rerun()


watch()
