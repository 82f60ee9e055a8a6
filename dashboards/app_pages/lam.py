"""What λ does: to attention, to the distance from T2V, to the videos."""

from __future__ import annotations

import shlex

import data
import streamlit as st
from chosen import chosen_study
from drawing import draw
from moving import moving
from recommended import recommended

from dymos_probe.analysis.select import modulation_settings
from dymos_probe.bias import MATCHED
from dymos_probe.figures.sections import LeftOut, Section
from dymos_probe.store.schema import SAMPLE

_EVERY = "all samples"


def setting_in_words(setting: tuple[float, str]) -> str:
    """Return a step ratio and schedule as a choice."""
    ratio, schedule = setting
    steps = "all steps" if ratio >= 1.0 else f"first {100 * ratio:g} % of the steps"
    return f"{steps}, {schedule.partition('-')[0]} schedule"


def show(part: Section | LeftOut) -> None:
    """Show a figure with what it says, or why it is not there."""
    if isinstance(part, LeftOut):
        with st.expander(f"Not shown: {part.name}"):
            st.text(part.reason)
        return
    st.subheader(part.heading)
    if part.how:
        st.markdown(part.how)
    draw(part.figure, part.name, part.said)
    st.markdown(f"**{part.said}**")


st.title("λ")
st.markdown(
    "λ is the knob: it is subtracted wherever a generated frame looks at the **reference frame**, the image the video "
    "starts from. Above 0 that frame counts for less and the video is freer to move, below 0 it counts for more, 0 is "
    "the untouched image-to-video model (I2V). Each curve is held against the text-to-video model (T2V) it was tuned "
    "from."
)
entry = chosen_study()
ds = data.study(entry.name, data.stamp_of(entry))
settings = modulation_settings(ds)
if not settings:
    st.info("Only the untouched models have been run in this study. Other strengths are added by:")
    st.code(f"probe intervene {shlex.quote(str(entry.path))} --lam=-1,1,2", language="sh")
    recommended(entry, None)
    st.stop()
setting = settings[0]
if len(settings) > 1:
    words = {setting_in_words(each): each for each in settings}
    setting = words[st.selectbox("Where λ acts", list(words), key="setting", bind="query-params")]
samples = [_EVERY, *(str(sample) for sample in ds[SAMPLE].values)]
asked = st.selectbox("Sample", samples, key="sample", bind="query-params")
sample = None if asked == _EVERY else asked
# A λ for every layer and frame is no strength that could be tuned.
recommended(entry, None if setting[1].startswith(MATCHED) else setting)
parts = data.strength(entry.name, data.stamp_of(entry), setting, sample)
moving(entry, parts, setting, sample)
for part in parts:
    if part.name != "distance" or isinstance(part, LeftOut):
        show(part)
