"""Figures become files that need nothing else, or one line says what is missing."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from dymos_probe.figures import difference_map, write_html

SCRIPT = """
import sys, numpy as np, xarray as xr
from dymos_probe.errors import EnvironmentLacksError
from dymos_probe.figures import difference_map, write_png
da = xr.DataArray(np.eye(3), dims=("query_frame", "key_frame"))
try:
    write_png(difference_map(da), sys.argv[1])
except EnvironmentLacksError as error:
    print(error)
    sys.exit(error.exit_status)
"""


def test_the_page_opens_without_a_network(tmp_path):
    figure = difference_map(xr.DataArray(np.eye(3), dims=("query_frame", "key_frame")))
    write_html(figure, tmp_path / "new" / "map.html")
    page = (tmp_path / "new" / "map.html").read_text(encoding="utf-8")
    assert "plotly.js v" in page
    assert '<script src="http' not in page
    assert "reference frame" in page


def test_without_a_browser_the_message_names_it(tmp_path):
    environment = {**os.environ, "BROWSER_PATH": str(tmp_path / "none")}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "map.png")], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 3, result.stderr
    assert "Chrome or Chromium" in result.stdout
    assert result.stdout.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("chromium") or shutil.which("google-chrome")), reason="needs a browser")
def test_a_png_is_drawn_where_there_is_a_browser(tmp_path):
    result = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / "map.png")], env=os.environ, check=False)
    assert result.returncode == 0
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
