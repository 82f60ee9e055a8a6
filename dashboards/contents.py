"""The dashboard's pages, in the order of the menu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

_OF_THE_FOLDER = {"studies": ("Studies", ":material/folder_open:")}
_OF_A_STUDY = {
    "maps": ("Difference maps", ":material/grid_on:"),
    "lam": ("λ", ":material/tune:"),
    "videos": ("Videos", ":material/play_circle:"),
}
"""Pages that show the study in ``?study=``; the list of studies links to each of them."""


_MAKING = {"generate": ("Generate", ":material/movie_creation:")}
"""The page of the folder that makes new videos."""

_BESIDE = {"preference": ("Preference", ":material/how_to_vote:")}
"""Pages of the folder that come after those of a study."""


def all_pages() -> list[Any]:
    """Return every page."""
    return [_page(name) for name in (*_OF_THE_FOLDER, *_OF_A_STUDY, *_MAKING, *_BESIDE)]


def pages_for_raters() -> list[Any]:
    """Return the pages without those of a study: their names alone would say what is compared."""
    return [_page(name) for name in (*_OF_THE_FOLDER, *_BESIDE)]


def link_to_study_pages(study: str) -> None:
    """Show a link to each page of a study."""
    query: Mapping[str, str] = {"study": study}
    with st.container(horizontal=True, gap="small"):
        for name in _OF_A_STUDY:
            st.page_link(_page(name), query_params=query)


def _page(name: str) -> Any:
    title, icon = (_OF_THE_FOLDER | _OF_A_STUDY | _MAKING | _BESIDE)[name]
    return st.Page(f"app_pages/{name}.py", title=title, icon=icon, default=name == "studies")
