"""Text that somebody else wrote, such as the name of a folder, where Streamlit reads Markdown."""

from __future__ import annotations

import re


def as_code(text: str) -> str:
    """Return Markdown that shows ``text`` as it is, on one line: no link, picture, emoji or formula comes of it.

    Where Markdown is not needed, ``st.text`` shows text as it is.
    """
    line = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", line)), default=0))
    # A space on either side is dropped again, and keeps a backtick at the end of the text from the fence.
    return f"{fence} {line} {fence}" if line else ""


def as_sentence(text: str) -> str:
    """Return what an error says as a sentence, to be shown as text: with a capital, and a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""
