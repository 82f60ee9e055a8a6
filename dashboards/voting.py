"""What a participant of a preference study sees: welcome, one trial after another, thanks."""

from __future__ import annotations

from typing import Final, NoReturn

import data
import streamlit as st
from top import scroll_to_top
from trial_videos import trial_videos

from dymos_probe.errors import InputError, ProbeError
from dymos_probe.preference import (
    POSITIONS,
    QUESTIONS,
    Question,
    Survey,
    Trial,
    done,
    get_trial,
    join,
    next_trial,
    vote,
)

_ON_SCREEN: Final = "trial on the screen of {}"
"""Where a session keeps the trial a participant looks at, which is complete before they go on."""


def voting(ident: str) -> None:
    """Show the participants' view of a preference study; nothing of it says what is compared."""
    try:
        survey = data.survey(ident)
    except ProbeError:
        st.error("This address leads to no study. Ask whoever sent it for the right one.", icon=":material/link_off:")
        return
    rater = st.query_params.get("rater")
    if rater is None:
        _welcome(survey)
        return
    try:
        trial = _current(survey, rater)
    except InputError:
        st.warning("Nobody takes part under this address any more; please begin anew.", icon=":material/link_off:")
        _welcome(survey)
        return
    if trial is None:
        _thanks(survey)
    else:
        _judge(survey, rater, trial)


def _welcome(survey: Survey) -> None:
    count = len(survey.samples)
    st.title("Which video is better?")
    st.markdown(
        f"You will see {count} sets of three short videos each. The three of a set were made from the same image and "
        "the same text, in different ways; how, and which is which, is not shown, and their order changes from set to "
        "set. Four questions ask which of the three is best. There are no right or wrong answers, and a set takes "
        "about half a minute."
    )
    st.markdown(
        "What you answer is kept at once. You can stop at any time, and go on later from the address this page will "
        "have then. Nothing about you is kept, unless you give a nickname."
    )
    nickname = st.text_input("Nickname (optional)", key="nickname", max_chars=60)
    if st.button("Start", type="primary", icon=":material/play_arrow:", key="start"):
        st.query_params["rater"] = join(survey, nickname)
        st.rerun()


def _current(survey: Survey, rater: str) -> Trial | None:
    """Return the trial on the screen, which stays there until the participant goes on."""
    on_screen = st.session_state.get(_ON_SCREEN.format(rater))
    if on_screen is not None:
        return get_trial(survey, on_screen)
    trial = next_trial(survey, rater)
    if trial is not None:
        st.session_state[_ON_SCREEN.format(rater)] = trial.id
    return trial


def _judge(survey: Survey, rater: str, trial: Trial) -> None:
    count = len(survey.samples)
    scroll_to_top(trial.id)
    st.progress(done(survey, rater) / count, text=f"Set {trial.number} of {count}")
    st.caption("The text the videos were made from:")
    st.text(trial.prompt)
    trial_videos(survey.id, trial.id)
    with st.grid(2, min_column_width=340):
        chosen = {question.id: _ask(number, question, trial) for number, question in enumerate(QUESTIONS, start=1)}
    try:
        # Not in callbacks: one that the next click interrupts does not run again, and its vote would be lost.
        for question, choice in chosen.items():
            if choice is not None:
                vote(survey, trial.id, question, choice)
    except InputError:
        _leave(rater)  # another tab of this participant has gone on, and so does this one
    left = sum(choice is None for choice in chosen.values())
    last = trial.number == count
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Finish" if last else "Next set",
            type="primary",
            icon=":material/check:" if last else ":material/arrow_forward:",
            key="next",
            disabled=bool(left),
        ):
            _leave(rater)
        if left:
            st.caption(f"{left} of {len(QUESTIONS)} questions to answer", width="content")


def _ask(number: int, question: Question, trial: Trial) -> str | None:
    """Show one question and return the answer, the one given before at first."""
    answer = trial.answers.get(question.id)
    with st.container(gap="xsmall"):
        st.markdown(f"**{number}. {question.ask}**")
        st.caption(question.hint)
        return st.radio(
            question.ask,
            POSITIONS,
            index=None if answer is None else POSITIONS.index(answer),
            format_func=lambda position: f"Video {position}",
            horizontal=True,
            label_visibility="collapsed",
            key=f"{trial.id} {question.id}",
        )


def _leave(rater: str) -> NoReturn:
    """Go on to the participant's next trial."""
    st.session_state.pop(_ON_SCREEN.format(rater), None)
    st.rerun()


def _thanks(survey: Survey) -> None:
    st.title("Thank you!")
    st.markdown(f"You have judged all {len(survey.samples)} sets. Your answers are kept; you can close this page.")
