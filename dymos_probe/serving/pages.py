"""Where the dashboard's pages are: in a checkout, else in the installed package."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from dymos_probe.errors import MissingFileError

_PACKAGE = Path(__file__).parents[1]


def app_script() -> Path:
    """Return the script that Streamlit runs, the checkout's where the package is imported from one.

    Raises
    ------
    MissingFileError
        When it is in neither place.
    """
    places = [_PACKAGE.parent / "dashboards", _PACKAGE / "dashboards"]
    for place in places:
        if (place / "app.py").is_file():
            return place / "app.py"
    raise MissingFileError(
        f"the dashboard's pages are neither in {places[0]} nor in {places[1]}; install dymos-probe again"
    )


def load_libraries() -> None:
    """Import what pages stand on, so that the first person to open one does not wait for it."""
    # Streamlit puts the folder there too, once it runs a page.
    folder = str(app_script().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.import_module("ahead").load()
