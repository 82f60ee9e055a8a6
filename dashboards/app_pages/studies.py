"""What is in the folder, and how far it is."""

from __future__ import annotations

import data
import streamlit as st

st.title("Studies")
st.markdown(
    "A study holds videos of a **text-to-video** model (T2V) and of the **image-to-video** model tuned from it (I2V), "
    "made from the same prompts and the same noise, and what every frame looked at while they were made. Each way of "
    "generating is a condition: T2V, I2V untouched, I2V with the reference frame weakened by λ, and so on."
)


@st.fragment(run_every=2)
def listing() -> None:
    """Show every study; again every two seconds, so that one being written is seen to grow."""
    entries = data.studies()
    if not entries:
        st.info(
            f"There is no study in {data.folder()} yet. `probe record --prompts FILE --out {data.folder()}/NAME` makes "
            "one; it appears here by itself.",
            icon=":material/info:",
        )
        return
    whole = [entry for entry in entries if not entry.broken]
    if whole:
        rows = [
            {
                "study": f"/maps?study={entry.name}",
                "pair": entry.pair,
                "samples": entry.samples,
                "conditions": entry.conditions,
                "runs": f"{entry.complete} of {entry.runs}",
                "complete": entry.complete / entry.runs if entry.runs else 0.0,
                "size": data.size_of(entry.name, data.stamp_of(entry)) / 1e6,
                "last written": entry.changed,
            }
            for entry in whole
        ]
        st.dataframe(
            rows,
            hide_index=True,
            column_config={
                "study": st.column_config.LinkColumn(display_text=r"study=(.*)$"),
                "complete": st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
                "size": st.column_config.NumberColumn(format="%.1f MB"),
                "last written": st.column_config.DatetimeColumn(format="distance"),
            },
            alt="Studies of the folder with their pair, number of samples and conditions, and how many runs are there",
        )
    for entry in entries:
        if entry.broken:
            st.error(entry.broken, title=f"{entry.name} cannot be opened", icon=":material/broken_image:")


listing()
