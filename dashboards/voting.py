"""What a participant of a preference study sees: welcome, one trial after another, thanks."""

from __future__ import annotations

import data
import streamlit as st
from top import scroll_to_top
from trial_videos import trial_videos

from dymos_probe.errors import InputError, ProbeError
from dymos_probe.preference import POSITIONS, QUESTIONS, Survey, Trial, done, get_trial, join, next_trial, vote


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
    st.text_input("Nickname (optional)", key="nickname", max_chars=60)
    st.button("Start", type="primary", icon=":material/play_arrow:", key="start", on_click=_start, args=(survey,))


def _start(survey: Survey) -> None:
    st.query_params["rater"] = join(survey, st.session_state["nickname"])


def _current(survey: Survey, rater: str) -> Trial | None:
    """Return the trial on the screen, which stays there until the participant goes on."""
    on_screen = st.session_state.get(f"trial of {rater}")
    if on_screen is not None:
        return get_trial(survey, on_screen)
    trial = next_trial(survey, rater)
    if trial is not None:
        st.session_state[f"trial of {rater}"] = trial.id
    return trial


def _judge(survey: Survey, rater: str, trial: Trial) -> None:
    count = len(survey.samples)
    scroll_to_top(trial.id)
    st.progress(done(survey, rater) / count, text=f"Set {trial.number} of {count}")
    st.caption("The text the videos were made from:")
    st.text(trial.prompt)
    trial_videos(survey.id, trial.id)
    for number, question in enumerate(QUESTIONS, start=1):
        key = f"{trial.id} {question.id}"
        answer = trial.answers.get(question.id)
        st.radio(
            f"**{number}. {question.ask}**",
            POSITIONS,
            index=None if answer is None else POSITIONS.index(answer),
            format_func=lambda position: f"Video {position}",
            horizontal=True,
            key=key,
            on_change=_answer,
            args=(survey, trial.id, question.id, key),
        )
        st.caption(question.hint)
    left = len(QUESTIONS) - len(trial.answers)
    last = trial.number == count
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Finish" if last else "Next set",
            type="primary",
            icon=":material/check:" if last else ":material/arrow_forward:",
            key="next",
            disabled=bool(left),
            on_click=_go_on,
            args=(rater,),
        )
        if left:
            st.caption(f"{left} of {len(QUESTIONS)} questions to answer", width="content")


def _answer(survey: Survey, trial: str, question: str, key: str) -> None:
    choice = st.session_state[key]
    if choice is None:
        return
    try:
        vote(survey, trial, question, str(choice))
    except InputError:
        # Another tab of this participant has gone on: so does this one.
        for name in [name for name in st.session_state if str(name).startswith("trial of ")]:
            del st.session_state[name]


def _go_on(rater: str) -> None:
    st.session_state.pop(f"trial of {rater}", None)


def _thanks(survey: Survey) -> None:
    st.title("Thank you!")
    st.markdown(f"You have judged all {len(survey.samples)} sets. Your answers are kept; you can close this page.")
