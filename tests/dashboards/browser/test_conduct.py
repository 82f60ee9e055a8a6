"""In a browser: who is let in, what is refused, others' text stays text, and all of it is there for the keyboard."""

from __future__ import annotations

import http.client
import json
import shutil
from urllib.parse import quote, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from dymos_probe.store import open_study

pytestmark = pytest.mark.slow

TOKEN = "a-token-of-24-characters"
REFUSED = "This dashboard needs its token: open it as ?token=… once."
NAME = "<img src=x onerror='window.hacked = 1'> **b** $x^2$ :smile:"
"""Of a study's folder."""
SECRET = "a word that stands outside the folder"
SOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


@pytest.fixture(scope="module")
def runs(recorded, tmp_path_factory):
    """A folder with a study of a hostile prompt, one of a hostile name, and a broken one; a secret lies beside it."""
    top = tmp_path_factory.mktemp("conduct")
    for name in ("demo", NAME):
        shutil.copytree(recorded, top / "runs" / name)
    (top / "runs" / "broken").mkdir()
    (top / "runs" / "broken" / "study.json").write_text("{")
    shutil.copytree(recorded, top / "secret")
    (top / "secret" / "study.json").write_text(json.dumps({"pair": SECRET}))
    return top / "runs"


@pytest.fixture(scope="module")
def url(lasting_server, runs):
    return lasting_server(runs)


def ask(url, path, **headers):
    """Status, headers and text that a path is answered with, sent to the letter."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    try:
        connection.putrequest("GET", path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = b"" if answer.status == 101 else answer.read()
        return answer.status, dict(answer.headers), body.decode("utf-8", errors="replace")
    finally:
        connection.close()


def media(folder, study="demo"):
    """The address of a video that is there."""
    ds = open_study(folder / study)
    return "/study/video?" + urlencode({"study": study, "sample": str(ds["sample"].values[0]), "condition": "t2v"})


def every_path(folder):
    """One path of every kind the server has: page, static file, health, video, image, upload, trial."""
    return [
        "/",
        "/maps?study=demo",
        "/favicon.png",
        "/_stcore/health",
        "/_stcore/host-config",
        "/static/",
        "/media/x.png",
        media(folder),
        "/study/image?study=demo&image=images",
        "/preference/video?survey=a&trial=b&position=A",
    ]


def test_at_another_address_nothing_comes_without_the_token_and_with_it_the_app_opens(
    lasting_server, runs, browser, settled
):
    file = runs.parent / "token"
    file.write_text(TOKEN)
    url = lasting_server(runs, "--address", "0.0.0.0", "--token-file", str(file))
    for path in every_path(runs):
        for wrong in (path, f"{path}{'&' if '?' in path else '?'}token=a-token-of-24-characterz"):
            status, headers, body = ask(url, wrong)
            assert (status, body) == (401, REFUSED + "\n"), wrong
            assert "set-cookie" not in {name.lower() for name in headers}
    assert ask(url, "/_stcore/stream", **SOCKET)[0] == 403
    assert ask(url, f"/_stcore/stream?token={TOKEN}", **SOCKET)[0] == 403
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(url)
    assert page.locator("body").inner_text().strip() == REFUSED
    # Neither does the page that is refused get a socket.
    opened = page.evaluate(
        """() => new Promise(done => {
            const socket = new WebSocket(location.origin.replace("http", "ws") + "/_stcore/stream")
            socket.onopen = () => done(true)
            socket.onerror = () => done(false)
        })"""
    )
    assert opened is False
    page.goto(f"{url}/videos?study=demo&token={TOKEN}")
    settled(page)
    assert TOKEN not in page.url and "study=demo" in page.url
    expect(page.locator(".players video")).to_have_count(5)
    assert page.evaluate("document.cookie").find(TOKEN) == -1, "no script can read it"
    context.close()
    [log] = runs.parent.glob(f"server-{urlsplit(url).port}.log")
    said = log.read_text()
    assert TOKEN not in said and "Traceback" not in said


def test_another_sites_name_for_this_machine_is_refused(url, runs):
    port = urlsplit(url).port
    for path in every_path(runs):
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example"):
            status, _, body = ask(url, path, Host=host)
            assert status == 400 and body == "Invalid host header", (path, host)
    assert ask(url, "/_stcore/stream", Host="evil.example", **SOCKET)[0] == 400
    assert ask(url, "/_stcore/health", Host=f"localhost:{port}")[0] == 200
    # A page of another site may not talk to the socket either.
    assert ask(url, "/_stcore/stream", Origin="http://evil.example", **SOCKET)[0] == 403
    assert ask(url, "/_stcore/stream", Origin=url, **SOCKET)[0] == 101


def test_no_path_and_no_parameter_leads_out_of_the_folder(url, runs):
    up = ("../", "%2e%2e/", "..%2f", "%2e%2e%2f", "..%5c", "....//", "%252e%252e%252f", "/", "//")
    for step in up:
        for path in (
            f"/{step * 3}secret/study.json",
            f"/static/{step * 6}{quote(str(runs.parent))}/secret/study.json",
            f"/media/{step * 3}secret/study.json",
            f"/component/players/{step * 3}secret/study.json",
            f"/_stcore/bidi-components/players/{step * 3}secret/study.json",
            f"/study/video?study={step}secret&sample=x&condition=t2v",
            f"/study/image?study={step}secret&image=images/x.png",
            f"/study/image?study=demo&image={step * 2}secret/study.json",
            f"/preference/video?survey={step}secret&trial=1&position=A",
        ):
            status, _, body = ask(url, path)
            assert SECRET not in body, path
            assert status in (307, 400, 403, 404) or (status == 200 and "<title>Streamlit</title>" in body), (
                path,
                status,
            )
    sample = str(open_study(runs / "demo")["sample"].values[0])
    for condition in ("t2v%00", "../../../../secret/videos/x/t2v", "%2e%2e%2ft2v", quote(str(runs.parent / "secret"))):
        assert ask(url, f"/study/video?study=demo&sample={sample}&condition={condition}")[0] == 404
    assert ask(url, media(runs))[0] == 200


def test_every_page_keeps_others_text_text_asks_this_server_alone_and_names_its_pictures(
    url, runs, page, settled, menu
):
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws://", "http://")))
    page.goto(url)
    ds = open_study(runs / NAME)
    prompt = str(ds["prompt"].values[1])
    assert "onerror" in prompt
    pages = menu(page)
    assert {"studies", "maps", "lam", "videos", "preference"} <= set(pages)
    for name, path in pages.items():
        page.goto(f"{url}/{path}?{urlencode({'study': NAME, 'sample': str(ds['sample'].values[1]), 'lam': '4'})}")
        settled(page)
        assert page.evaluate("window.hacked") is None, name
        assert page.locator("img[src=x], .katex, main a[href*='127.0.0.1:9']").count() == 0, name
        if name in ("studies", "maps", "lam", "videos"):
            shown = page.locator(f'input[value="{NAME}"]').count() + page.get_by_text(NAME, exact=True).count()
            assert shown or NAME in page.evaluate("document.querySelector('[data-testid=stMain]').innerText"), name
        if name in ("lam", "videos"):
            expect(page.get_by_text(prompt, exact=True)).to_be_visible()
        figures = page.get_by_test_id("stPlotlyChart")
        for figure in figures.all():
            assert len(figure.get_attribute("aria-label") or "") > 10, name
        for picture in page.locator("img").all():
            assert picture.get_attribute("alt"), (name, picture.get_attribute("src"))
        for video in page.locator("video").all():
            assert video.get_attribute("aria-label"), name
    assert len(asked) > 100
    elsewhere = [each for each in asked if not each.startswith((f"{url}/", "data:", "blob:"))]
    assert elsewhere == []


def test_a_broken_study_is_said_to_be_broken_and_the_others_still_open(url, runs, page, settled, menu):
    page.goto(url)
    expect(page.get_by_text("This study cannot be opened.")).to_be_visible()
    for name, path in menu(page).items():
        if name not in ("maps", "lam", "videos"):
            continue
        page.goto(f"{url}/{path}?study=broken")
        expect(page.get_by_text("This study cannot be opened.")).to_be_visible()
    # And from there to one that is whole, by the keyboard.
    page.get_by_role("combobox", name="Study").click()
    page.get_by_role("option", name="demo", exact=True).click()
    settled(page)
    expect(page.locator(".players video")).to_have_count(5)
    assert "study=demo" in page.url


def test_figures_are_drawn_in_the_colours_of_the_page_also_when_these_change(url, page, settled):
    colours = """() => {
        const plot = document.querySelector(".st-key-maps .main-svg")
        return [getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor,
            getComputedStyle(plot).backgroundColor,
            getComputedStyle(document.querySelector(".st-key-maps .gtitle")).fill]
    }"""
    seen = {}
    page.goto(f"{url}/maps?study=demo")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        settled(page)
        for _ in range(100):
            app, paper, ink = page.evaluate(colours)
            if app == paper and ink not in seen.values():
                break
            page.wait_for_timeout(100)
        assert app == paper, f"the page is {app}, its figure {paper}"
        seen[scheme] = ink
    assert seen["dark"] != seen["light"]


def focused(page):
    """What has the focus, inside of components too: kind, name, and a box around it."""
    return page.evaluate(
        """() => {
            let e = document.activeElement
            while (e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement
            const box = e.getBoundingClientRect()
            return {
                kind: e.type === "range" ? "slider" : e.getAttribute("role") || e.tagName.toLowerCase(),
                name: e.getAttribute("aria-label") || e.labels?.[0]?.innerText || e.innerText || "",
                box: {x: box.x, y: box.y, width: box.width, height: box.height},
            }
        }"""
    )


def walk(page, most=80):
    """What the Tab key reaches from the top of a page, in order."""
    reached = []
    for _ in range(most):
        page.keyboard.press("Tab")
        here = focused(page)
        if here["kind"] == "body":
            break
        reached.append(here)
    return [(each["kind"], each["name"]) for each in reached]


def around(page, box):
    """The pixels of an element and a little around it."""
    margin = 6
    return page.screenshot(
        clip={
            "x": max(box["x"] - margin, 0),
            "y": max(box["y"] - margin, 0),
            "width": box["width"] + 2 * margin,
            "height": box["height"] + 2 * margin,
        },
        animations="disabled",
    )


def test_every_page_can_be_worked_by_the_keyboard_and_shows_where_it_is(url, page, settled):
    page.set_viewport_size({"width": 1280, "height": 3000})
    page.goto(f"{url}/maps?study=demo")
    settled(page)
    reached = walk(page)
    boxes = [name for kind, name in reached if kind in ("combobox", "input")]
    assert any("Study" in name for name in boxes) and any("Compared with T2V" in name for name in boxes)
    assert sum(kind == "slider" for kind, _ in reached) == 6, "both ends of steps, layers and heads"
    assert any("largest excess" in name for kind, name in reached if kind == "button")

    page.goto(f"{url}/lam?study=demo")
    settled(page)
    reached = walk(page)
    assert ("slider", "λ") in reached and ("button", "Play") in reached

    page.goto(f"{url}/videos?study=demo")
    settled(page)
    reached = walk(page)
    for control in ("Play", "One frame back", "One frame forward", "Next"):
        assert any(name.strip().startswith(control) for kind, name in reached if kind == "button"), control
    # Again, up to the button that plays; what has the focus looks otherwise than without it.
    page.reload()
    settled(page)
    seen = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        here = focused(page)
        if here["kind"] in ("button", "combobox", "slider", "input", "a") and here["box"]["width"]:
            with_focus = around(page, here["box"])
            page.evaluate(
                """() => {
                    let e = document.activeElement
                    while (e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement
                    window.left = e
                    e.blur()
                }"""
            )
            without = around(page, here["box"])
            page.evaluate("window.left.focus({focusVisible: true})")
            assert with_focus != without, f"{here['kind']} {here['name']!r} does not show that it has the focus"
            seen.add(here["kind"])
        if here["name"] == "Play":
            break
    assert here["name"] == "Play" and {"button", "a"} <= seen
    page.keyboard.press("Space")
    expect(page.locator(".players").get_by_role("button", name="Pause")).to_be_visible()
    playing = "videos => videos.every(v => !v.paused && v.currentTime > 0.1)"
    for _ in range(400):
        if page.locator(".players video").evaluate_all(playing):
            break
        page.wait_for_timeout(25)
    else:
        raise AssertionError("space does not play")
