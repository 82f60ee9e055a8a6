"""Every page of the dashboard as a picture, on a laptop, in the dark and on a phone: `make screenshots`."""

from __future__ import annotations

import html
import os
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from dymos_probe.runs.intervene import intervene
from dymos_probe.runs.measure import measure_study
from dymos_probe.runs.record import record
from dymos_probe.runs.tune import tune
from dymos_probe.store import open_study

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("SCREENSHOTS" not in os.environ, reason="pictures are taken by `make screenshots`"),
]

LOOKS = ((1280, "light"), (1280, "dark"), (390, "light"))
PROMPTS = (
    # Of the prompts of `make demo` one where λ does much.
    "a blue triangle moves right quickly on a navy background",
    "a red triangle moves left quickly on a navy background",
    "a green square moves down slowly on a maroon background",
    "a purple triangle moves up quickly on a maroon background",
)
AT = {"lam": "&lam=2"}
"""What is chosen on a page, where it says little at first."""
FOR_README = {"maps": ".st-key-maps", "videos": ".players"}
"""Pages the README shows, and the last thing of each in its picture."""
LARGEST = 300_000
"""Bytes of a picture for the README."""


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """A folder with a study of the shipped pair: a sweep over λ, ALG, metrics and a tuning, all of it really run."""
    out = tmp_path_factory.mktemp("runs") / "demo"
    record("sprites", list(PROMPTS), out=out, device="cpu")
    intervene(out, lam=[-1.0, 1.0, 2.0, 4.0])
    intervene(out, method="alg")
    tune(out, runs=1)
    measure_study(out)
    assert bool(open_study(out)["complete"].all())
    return out.parent


def test_every_page_is_a_picture_in_every_look(server, studies, page, shoot, settled, menu):
    folder = Path(os.environ["SCREENSHOTS"])
    url = server(studies)
    page.goto(url)
    taken: dict[str, list[str]] = {}
    for number, (name, path) in enumerate(menu(page).items(), start=1):
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.goto(f"{url}/{path}?study=demo{AT.get(name, '')}")
            settled(page)
            shot = shoot(page, f"{number:02}-{name}-{width}-{scheme}")
            with Image.open(shot) as picture:
                assert picture.width == width and picture.height >= 300
                # A page of one colour shows nothing.
                assert len(picture.convert("RGB").getcolors(picture.width * picture.height)) > 50
            taken.setdefault(name, []).append(shot.name)
            if (width, scheme) == (1280, "light") and name in FOR_README:
                for_readme(page, name, folder / f"dashboard-{name}.png")
    (folder / "index.html").write_text(album(taken), encoding="utf-8")
    assert {"studies", "maps", "lam", "videos", "preference"} <= set(taken)


def for_readme(page, name, path):
    """Write what a reader would want first of a page, small enough for a README."""
    if name == "videos":
        page.get_by_label("Frame", exact=True).fill("22")
        expect(page.locator(".players .where")).to_have_text("Frame 23 of 25")
        page.get_by_label("Frame", exact=True).blur()
        page.wait_for_timeout(1000)
    size = page.viewport_size
    page.set_viewport_size({"width": 1280, "height": 1600})
    page.wait_for_timeout(500)
    top = page.locator("h1").bounding_box()["y"] - 24
    last = page.locator(FOR_README[name]).first.bounding_box()
    clip = {"x": 0, "y": top, "width": 1280, "height": last["y"] + last["height"] + 16 - top}
    page.screenshot(path=path, clip=clip)
    page.set_viewport_size(size)
    if path.stat().st_size > LARGEST:
        with Image.open(path) as picture:
            fewer = picture.convert("RGB").quantize(256)
        fewer.save(path, optimize=True)
    assert path.stat().st_size <= LARGEST, f"{path} has {path.stat().st_size} bytes"


def album(taken):
    """A page to leaf through the pictures, by links alone."""
    parts = [
        f'<h2 id="{html.escape(name)}">{html.escape(name)}</h2>\n<div>'
        + "\n".join(
            f'<figure><a href="{html.escape(file)}"><img src="{html.escape(file)}" alt="{html.escape(file)}"></a>'
            f"<figcaption>{html.escape(file)}</figcaption></figure>"
            for file in files
        )
        + "</div>"
        for name, files in taken.items()
    ]
    links = " · ".join(f'<a href="#{html.escape(name)}">{html.escape(name)}</a>' for name in taken)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>The dashboard in pictures</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem; background: #f4f6f8; color: #1f2933 }}
div {{ display: flex; gap: 1.5rem; align-items: flex-start; overflow-x: auto }}
figure {{ margin: 0 }}
figure a {{ display: block; max-height: 75vh; overflow: hidden; border: 1px solid #d9dee4 }}
img {{ display: block; width: 36vw }}
figure:nth-child(3) img {{ width: 14vw }}
</style>
<h1>The dashboard in pictures</h1>
<p>{links}</p>
{chr(10).join(parts)}
</html>
"""
