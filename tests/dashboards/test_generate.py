"""The Generate page submits what its form says, shows what became of each job, and refuses in one sentence."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
import shutil
import subprocess
import sys
import time
from urllib.parse import parse_qs

import numpy as np
import pytest
from PIL import Image

from dymos_probe import jobs
from dymos_probe.jobs.folder import files_of, folder_lock, jobs_root
from dymos_probe.jobs.liveness import Starts, hold, worker_log, write_starts
from dymos_probe.jobs.start import MAX_STARTS
from dymos_probe.jobs.worker import End, work
from dymos_probe.pairs.pair import shipped_pair
from dymos_probe.serving.pages import app_script
from dymos_probe.store import open_study, verify_study
from tests.dashboards.conftest import HOSTILE

PROMPT = "a red star moves left quickly on a navy background"


@pytest.fixture
def held(tmp_path):
    """This process counts as the living worker, so that none is started: jobs stay as the test puts them."""
    folder = tmp_path / "runs"
    folder.mkdir(exist_ok=True)
    with folder_lock(folder):
        descriptor = hold(jobs_root(folder), "auto")
    assert descriptor is not None
    yield folder
    os.close(descriptor)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with one job that was really done, not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "runs"
    folder.mkdir()
    request = jobs.Request(prompt=HOSTILE, lam=2.0, with_t2v=True, num_frames=9, num_inference_steps=2)
    id = jobs.submit(folder, request, image=png(48, 48))
    assert work(folder, device="cpu", idle_seconds=0.0) is End.IDLE
    assert jobs.state(folder, id).status == "done"
    return folder


@pytest.fixture
def done(made, tmp_path):
    """A copy of that folder, to be changed at will, and the job's id."""
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs", jobs.jobs(made)[0].id


def png(width, height, **options):
    written = io.BytesIO()
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(written, format="png", **options)
    return written.getvalue()


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content) if isinstance(content, bytes) else content).convert("RGB"))


def put(folder, prompt=PROMPT, **state):
    """Submit a job and put it in a state, as its worker would write it."""
    id = jobs.submit(folder, jobs.Request(prompt=prompt, lam=1.0, with_t2v=True, step_ratio=0.25))
    files = files_of(folder, id)
    if state:
        files.write_state(dataclasses.replace(files.read_state(), **state))
    return id


def running(**changes):
    now = {"status": "running", "device": "auto", "attempts": 1, "started": time.time(), "updated": time.time()}
    steps = {"phase": "denoising", "run": 2, "runs": 3, "condition": "i2v", "step": 6, "steps": 20, "steps_before": 20}
    return now | steps | changes


def words(page):
    """All that the page says as text."""
    return [text.value for text in page.text]


def markup(page):
    """All that the page gives to a Markdown reader."""
    alerts = [*page.error, *page.warning, *page.info, *page.success]
    bars = [bar.proto.text for bar in page.get("progress")]
    return [each.value for each in (*page.markdown, *page.caption, *page.subheader, *alerts)] + bars


def links(page):
    return [(link.proto.page, link.proto.query_string) for link in page.page_link]


def opens(page):
    """The jobs that the list leads to."""
    return [button.key.removeprefix("open ") for button in page.button if (button.key or "").startswith("open ")]


def image_way(page, way):
    [radio] = page.radio
    return radio.set_value(way).run()


def click(page):
    page = page.button(key="generate").click().run()
    assert not page.exception
    return page


# The form ------------------------------------------------------------------------------------


def test_one_click_generates_with_the_shipped_pair(app, held):
    page = app(held, "generate")
    assert not page.exception and "There is none yet." in page.info[0].value
    page = click(page)
    [one] = jobs.jobs(held)
    asked = one.request
    assert (asked.pair, asked.prompt, asked.lam, asked.step_ratio) == ("sprites", PROMPT, 1.0, 0.25)
    assert (asked.seed, asked.schedule, asked.with_t2v, asked.layers) == (0, "uniform", True, None)
    assert (asked.width, asked.height, asked.num_frames, asked.num_inference_steps) == (48, 48, 25, 20)
    assert (pixels(one.files.reference) == pixels(app_script().parent / "ready.png")).all()
    assert page.query_params["job"] == one.id and PROMPT in words(page)
    assert "It is the next" in page.info[0].value


def test_the_settings_are_those_of_the_address(app, held):
    query = {"pair": "sprites-uncurated", "lam": "0.6", "seed": "7", "step_ratio": "0.4", "schedule": "log"}
    page = click(app(held, "generate", **query))
    [one] = jobs.jobs(held)
    asked = one.request
    assert (asked.pair, asked.lam, asked.seed) == ("sprites-uncurated", 0.6, 7)
    assert (asked.step_ratio, asked.schedule) == (0.4, "log")
    for name, value in query.items():
        assert page.query_params[name] == value


def test_what_is_moved_and_written_is_what_is_asked(app, held):
    page = app(held, "generate")
    page.slider(key="lam").set_value(-0.3)
    page.text_area(key="prompt").set_value("a green plus moves up slowly on a black background")
    fields = {field.label: field for field in (*page.number_input, *page.text_input)}
    fields["Layers in which λ acts"].set_value("0-1, 3")
    fields["Denoising steps"].set_value(4)
    fields["Frames"].set_value(13)
    fields["Guidance"].set_value(3.5)
    page.checkbox[-1].set_value(False)
    page = click(page.run())
    asked = jobs.jobs(held)[0].request
    assert asked.lam == -0.3 and asked.prompt.startswith("a green plus") and asked.layers == (0, 1, 3)
    assert (asked.num_inference_steps, asked.num_frames, asked.guidance_scale) == (4, 13, 3.5)
    assert not asked.with_t2v and any("layers 0, 1, 3" in text for text in words(page))


def test_infinite_and_zero_strength_are_told_by_the_runs_they_take(app, held):
    page = app(held, "generate", infinite="true")
    assert any("3 runs, all from the same noise: T2V, λ = 0, λ = ∞" in each for each in markup(page))
    click(page)
    assert jobs.jobs(held)[0].request.lam == math.inf
    page = app(held, "generate", lam="0.0")
    assert any("2 runs, all from the same noise: T2V, λ = 0" == each for each in markup(page))
    click(page)
    assert jobs.jobs(held)[1].request.lam == 0.0


def test_another_pair_brings_its_own_settings_and_leaves_a_prompt_somebody_wrote(app, held):
    page = app(held, "generate")
    page.slider(key="lam").set_value(2.0).run()
    page.selectbox(key="pair").set_value("cogvideox-5b").run()
    assert not page.exception
    assert page.slider(key="lam").value == 0.8 and page.slider(key="step_ratio").value == 0.24
    assert any("The paper takes 0.8" in each for each in markup(page))
    assert page.text_area(key="prompt").value == "", "the shipped pair's sentence is nothing to it"
    page.text_area(key="prompt").set_value("a cat").run()
    page.selectbox(key="pair").set_value("sprites").run()
    assert page.text_area(key="prompt").value == "a cat" and page.slider(key="lam").value == 1.0


def test_pairs_without_weights_are_there_say_what_to_do_and_cannot_run(app, held, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    page = app(held, "generate", pair="wan2.1-14b")
    assert page.selectbox(key="pair").value == "wan2.1-14b"
    assert [each.value for each in page.warning] == ["This pair cannot run here yet."] * 2
    assert any("hf download Wan-AI/Wan2.1-I2V-14B-480P-Diffusers" in text for text in words(page))
    assert page.button(key="generate").disabled
    away = next(each for each in markup(page) if each.startswith("Weights not on this machine"))
    assert "cogvideox-5b" in away and "sprites" not in away and "tiny-cogvideox" not in away
    assert {"sprites", "cogvideox-5b", "ltx-video"} <= set(page.selectbox(key="pair").options)


def test_a_pair_in_the_folder_is_offered_and_a_torn_one_names_what_it_lacks(app, held):
    for arm, source in zip(("t2v", "i2v"), shipped_pair("sprites/t2v", "sprites/i2v"), strict=True):
        shutil.copytree(source, held / "pairs" / "mine" / arm)
    page = app(held, "generate", pair="mine")
    assert not page.exception and not page.warning and not page.button(key="generate").disabled
    (held / "pairs" / "mine" / "i2v" / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    page = app(held, "generate", pair="mine")
    assert page.button(key="generate").disabled and any("vae/*.safetensors is missing" in text for text in words(page))


def test_a_pair_that_is_not_there_is_not_taken_from_the_address(app, held):
    page = app(held, "generate", pair="../../etc")
    assert not page.exception and page.selectbox(key="pair").value == "sprites"


def test_a_new_generation_begins_with_nothing_of_the_last(app, held):
    page = app(held, "generate")
    page.slider(key="lam").set_value(2.0)
    page.text_area(key="prompt").set_value("a cat")
    page = click(image_way(page, "The first frame of the T2V run"))
    page = page.button(key="new").click().run()
    assert page.text_area(key="prompt").value == PROMPT and page.slider(key="lam").value == 1.0
    assert "job" not in page.query_params


# The image and the prompt --------------------------------------------------------------------


def test_an_upload_is_taken_as_its_pixels(app, held):
    page = image_way(app(held, "generate"), "Upload an image")
    given = png(90, 50)
    page = page.file_uploader[0].upload("cat.png", given + b"what follows the image", "image/png").run()
    click(page)
    [one] = jobs.jobs(held)
    assert (pixels(one.files.reference) == pixels(given)).all()
    assert b"what follows" not in one.files.reference.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.png", b"dear diary", "Upload is no image; give one of PNG, JPEG, WEBP, BMP, TIFF."),
        ("wide.png", None, "The image upload is 9000×9000 pixels; at most 64 Mi pixels are read."),
        ("torn.png", png(90, 50)[:2000], "The image upload cannot be read"),
        ("empty.png", b"", "The upload is empty; give an image file"),
    ],
)
def test_what_is_no_image_to_start_from_is_refused_in_one_sentence(app, held, name, content, says):
    if content is None:
        written = io.BytesIO()
        Image.new("1", (9000, 9000)).save(written, format="png")
        content = written.getvalue()
    page = image_way(app(held, "generate"), "Upload an image")
    page = page.file_uploader[0].upload(name, content, "image/png").run()
    assert not page.exception and page.error[0].value == "This file cannot be the reference image."
    assert len([text for text in words(page) if text.startswith(says)]) == 1
    click(page)
    assert jobs.jobs(held) == ()


def test_a_file_that_is_too_large_is_refused_with_its_size_and_the_limit(app, held):
    page = image_way(app(held, "generate"), "Upload an image")
    page = page.file_uploader[0].upload("large.png", png(8, 8) + bytes(21 * 2**20), "image/png").run()
    assert any("the upload has 21.0 MiB; at most 20 MiB" in text.lower().replace("mib", "MiB") for text in words(page))


def test_without_an_image_or_a_prompt_nothing_is_submitted_and_the_page_says_what_is_missing(app, held):
    page = click(image_way(app(held, "generate"), "Upload an image"))
    assert page.error[0].value == "Choose an image file first."
    page = app(held, "generate")
    page = click(page.text_area(key="prompt").set_value("  ").run())
    assert page.error[0].value.startswith("Write a prompt first")
    assert jobs.jobs(held) == ()


def test_what_a_request_refuses_is_told_in_its_words(app, held):
    page = app(held, "generate")
    field = next(field for field in page.text_input if field.label == "Layers in which λ acts")
    page = click(field.set_value("<b>one</b>").run())
    assert page.error[0].value == "This cannot be generated."
    assert any("'<b>one</b>' is not a list of indices" in text for text in words(page))
    assert not any("<b>" in each for each in markup(page))


def test_an_image_of_a_study_brings_its_prompt(app, folder, held):
    ds = open_study(folder / "demo")
    page = image_way(app(folder, "generate"), "An image of a study")
    assert not page.exception and page.text_area(key="prompt").value == str(ds["prompt"].values[0])
    page = page.selectbox(key="image sample demo").set_value(str(ds["sample"].values[1])).run()
    assert page.text_area(key="prompt").value == HOSTILE
    page = page.text_area(key="prompt").set_value("my own").run()
    click(page)
    [one] = jobs.jobs(folder)
    assert one.request.prompt == "my own"
    assert (pixels(one.files.reference) == pixels(folder / "demo" / str(ds["image"].values[1]))).all()


def test_a_sample_whose_image_is_gone_says_so(app, folder, held):
    shutil.rmtree(folder / "demo" / "images")
    page = click(image_way(app(folder, "generate"), "An image of a study"))
    assert page.warning[0].value == "The image of this sample is missing." and jobs.jobs(folder) == ()


def test_the_first_frame_of_the_t2v_run_takes_that_run(app, held):
    page = image_way(app(held, "generate"), "The first frame of the T2V run")
    assert page.checkbox[-1].value and page.checkbox[-1].disabled
    click(page)
    [one] = jobs.jobs(held)
    assert one.request.with_t2v and not one.files.reference.exists()


def test_the_words_it_says_the_shipped_pair_knows_are_those_of_its_tokenizer(app, held):
    app(held, "generate")
    from generate_form import WORDS

    said = {word.strip(" ") for words in WORDS.values() for part in words.split(",") for word in part.split(" or ")}
    known = json.loads((shipped_pair("sprites/t2v", "")[0] / "tokenizer" / "tokenizer.json").read_text())
    known = {entry[0].lstrip("▁") for entry in known["model"]["vocab"] if entry[0].startswith("▁")}
    assert said - {""} == known - {"a", "an", "moves", "on", "background"}


def test_the_ready_made_picture_is_one_of_the_clips_the_pair_was_trained_on():
    from studies.sprites.config import VideoConfig
    from studies.sprites.data import Clip, render

    clip = Clip(
        colour="red",
        shape="star",
        background="navy",
        direction="left",
        speed="quickly",
        radius=7.0,
        start=(36.0, 24.0),
        pace=1.0,
    )
    assert clip.caption == PROMPT
    drawn = render(clip, VideoConfig(), frames=slice(0, 1)).video[0]
    assert np.abs(pixels(app_script().parent / "ready.png") - np.round(255 * drawn)).max() <= 1


# A job that is not done yet ------------------------------------------------------------------


def test_a_job_that_waits_says_how_many_are_ahead(app, held):
    put(held, **running())
    put(held)
    id = put(held)
    page = app(held, "generate", job=id)
    assert page.info[0].value == "2 generations are ahead of it; they are made in turn."
    page = page.button(key="cancel").click().run()
    assert jobs.state(held, id).status == "cancelled" and page.info[0].value == "Cancelled."
    assert not [button for button in page.button if button.key == "cancel"]


def test_a_running_job_says_run_step_and_time_left_and_shows_its_preview(app, held):
    what = "Estimate of the finished video after step 6 of 20: latent frames 0, 2, 4, 6, each decoded alone."
    id = put(held, **running(seconds_left=11.4, estimate_from="earlier jobs", preview=f"i2v: {what}"))
    files_of(held, id).preview.write_bytes(png(40, 10))
    page = app(held, "generate", job=id)
    [bar] = page.get("progress")
    assert bar.proto.value == round(100 * 26 / 60)
    assert bar.proto.text == ("Run 2 of 3 (I2V, λ = 0), step 7 of 20, about 12 s left (measured from earlier ones)")
    [image] = page.get("image")
    assert image.proto.imgs[0].alt == what and what in words(page)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"phase": "loading", "run": 0, "condition": "", "step": 0}, "Loading the models"),
        ({"condition": "t2v", "run": 1, "seconds_left": 200.0, "estimate_from": "this job"}, "about 4 min left"),
        ({"condition": "i2v_lam1_ratio0.25", "run": 3}, "Run 3 of 3 (I2V, λ = 1), step 7 of 20"),
        ({"phase": "decoding", "step": 20}, "decoding the video"),
        ({"phase": "loading", "run": 1, "condition": "t2v"}, "Run 1 of 3 (T2V), loading the next model"),
    ],
)
def test_every_phase_has_its_words(app, held, state, text):
    page = app(held, "generate", job=put(held, **running(**state)))
    assert text in page.get("progress")[0].proto.text


def test_cancel_of_a_running_job_is_asked_for_and_said(app, held):
    id = put(held, **running())
    page = app(held, "generate", job=id)
    assert not files_of(held, id).is_cancelled
    page = page.button(key="cancel").click().run()
    assert files_of(held, id).is_cancelled and page.button(key="cancel").disabled
    assert any("It is being cancelled" in each for each in markup(page))


def test_a_worker_that_died_is_a_sentence_with_what_to_do(app, tmp_path):
    id = put(tmp_path, **running(attempts=2))
    worker_log(jobs_root(tmp_path), "auto").write_text("Killed <b>worker</b>")
    page = app(tmp_path, "generate", job=id)
    assert page.error[0].value == "The worker process died."
    said = next(text for text in words(page) if "ended 2 times without a word" in text)
    assert "in run 2 of 3 (i2v), step 7 of 20" in said and "Choose a smaller size or fewer frames" in said
    assert [code.value for code in page.code] == ["Killed <b>worker</b>"]


def test_a_worker_that_died_once_is_replaced_without_a_word_from_anybody(app, tmp_path):
    id = put(tmp_path, **running(attempts=1))
    write_starts(jobs_root(tmp_path), "auto", Starts(pending=MAX_STARTS))
    page = app(tmp_path, "generate", job=id)
    assert any("It is tried once more." in text for text in words(page))
    page = page.run()
    # A worker was wanted; that none can be started was found at once, for three starts have failed.
    assert page.error[0].value == "Something is missing on this machine."
    assert any("ended 3 times before it could begin" in text and "probe doctor" in text for text in words(page))


def test_the_list_too_sees_to_it_that_somebody_takes_what_waits(app, tmp_path):
    id = put(tmp_path)
    write_starts(jobs_root(tmp_path), "auto", Starts(pending=MAX_STARTS))
    app(tmp_path, "generate")
    assert jobs.state(tmp_path, id).status == "failed"


def test_submitting_asks_for_a_worker(app, tmp_path):
    jobs_root(tmp_path).mkdir()
    write_starts(jobs_root(tmp_path), "auto", Starts(pending=MAX_STARTS))
    page = click(app(tmp_path, "generate"))
    assert jobs.jobs(tmp_path)[0].state.kind == "environment" and page.error


# A job that has ended ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("memory", "There was not enough memory."),
        ("disk", "The disk is full."),
        ("environment", "Something is missing on this machine."),
        ("input", "These settings cannot be run."),
        ("defect", "Something went wrong that nobody foresaw."),
    ],
)
def test_every_failure_is_a_sentence_what_to_do_and_the_log_as_text(app, held, kind, title):
    message, remedy = f"the size {HOSTILE} is too large", "Choose a smaller one."
    id = put(held, status="failed", kind=kind, message=message, remedy=remedy, ended=time.time())
    files_of(held, id).log.write_text(f"Traceback {HOSTILE}")
    page = app(held, "generate", job=id)
    assert not page.exception and page.error[0].value == title
    assert f"The size {HOSTILE} is too large. Choose a smaller one." in words(page)
    assert page.code[0].value == f"Traceback {HOSTILE}"
    assert not any("<img" in each for each in markup(page))


def test_a_size_the_pair_cannot_make_fails_in_the_job_and_is_told(app, tmp_path):
    (tmp_path / "runs").mkdir()
    id = jobs.submit(tmp_path / "runs", jobs.Request(prompt=PROMPT, width=50, lam=1.0), image=png(8, 8))
    assert work(tmp_path / "runs", device="cpu", idle_seconds=0.0) is End.IDLE
    page = app(tmp_path / "runs", "generate", job=id)
    assert page.error[0].value == "These settings cannot be run."
    assert "Width 50 does not fit cogvideox: it must be a multiple of 12. Nearest is 48." in words(page)


def cells(page):
    [component] = page.get("bidi_component")
    return json.loads(component.proto.json)


def test_the_result_plays_beside_the_untouched_run_and_t2v(app, done):
    folder, id = done
    page = app(folder, "generate", job=id)
    assert not page.exception and HOSTILE in words(page)
    shown = cells(page)
    assert shown["plays"]
    labels = [cell["label"] for cell in shown["cells"]]
    assert labels == ["Reference image", "T2V", "I2V, λ = 0 (untouched)", "I2V, λ = 2"]
    for cell in shown["cells"]:
        assert f"study=.jobs%2F{id}%2Fresult" in cell["src"] and cell["file"] and not cell["missing"]
    assert not any("<img" in each for each in markup(page))


def test_the_other_pages_show_the_result_when_asked_and_list_it_nowhere_else(app, done, recorded):
    top, id = done
    shutil.copytree(recorded, top / "demo")
    page = app(top, "generate", job=id)
    to = dict(links(page))
    assert list(to) == ["maps", "lam", "videos"]
    [label] = parse_qs(to["maps"])["study"]
    assert label.startswith("generated 20") and HOSTILE[:20] in label and label.endswith(f"[{id[-8:]}]")
    for other in ("maps", "lam", "videos"):
        page = app(top, other, study=label)
        assert not page.exception and not page.error and not page.warning
        chooser = page.selectbox(key="study")
        assert chooser.value == label and set(chooser.options) == {label, "demo"}
    page = app(top, "videos")
    assert page.selectbox(key="study").options == ["demo"]
    for wrong in (label.replace(id[-8:], "00000000"), f".jobs/{id}/result", f".jobs/{id}", "../runs/demo"):
        page = app(top, "videos", study=wrong)
        assert page.selectbox(key="study").value == "demo" and "no study of that name" in page.warning[0].value
    page = app(top, "preference", study=label)
    assert page.selectbox(key="study").options == ["demo"], "votes would be lost when it is forgotten"


def test_a_result_is_kept_as_a_study_and_leads_there(app, done):
    folder, id = done
    page = app(folder, "generate", job=id)
    page.text_input[0].set_value("mine")
    page = page.button(key="keep").click().run()
    assert not page.exception and page.success and "mine" in words(page)
    assert verify_study(folder / "mine") == []
    assert ("videos", "study=mine") in links(page)
    page = app(folder, "generate", job=id)
    assert page.selectbox(key=f"keep {id}").options == ["a new study", "mine"]
    page = page.selectbox(key=f"keep {id}").set_value("mine").run()
    assert not page.text_input
    page = page.button(key="keep").click().run()
    assert page.success and open_study(folder / "mine").sizes["sample"] == 1


@pytest.mark.parametrize("name", ["../mine", ".hidden", "pairs", "a/b", "x" * 200, ""])
def test_a_name_that_is_none_is_refused_and_nothing_is_written(app, done, name):
    folder, id = done
    before = sorted(folder.parent.rglob("*"))
    page = app(folder, "generate", job=id)
    page.text_input[0].set_value(name)
    page = page.button(key="keep").click().run()
    assert not page.exception and page.error[0].value == "It was not kept." and not page.success
    assert [path for path in sorted(folder.parent.rglob("*")) if path not in before] == []


def test_forgetting_deletes_the_job_and_shows_the_form(app, done):
    folder, id = done
    jobs.keep(folder, id, "mine")
    page = app(folder, "generate", job=id)
    page = page.button(key="forget").click().run()
    assert not page.exception and "job" not in page.query_params and page.button(key="generate")
    assert jobs.jobs(folder) == () and verify_study(folder / "mine") == []


def test_a_cancelled_job_shows_the_runs_that_were_complete(app, done):
    folder, id = done
    files = files_of(folder, id)
    files.write_state(dataclasses.replace(files.read_state(), status="cancelled", message="Cancelled in run 3 of 3."))
    page = app(folder, "generate", job=id)
    assert page.info[0].value == "Cancelled in run 3 of 3." and cells(page)["cells"]
    assert not [button for button in page.button if button.key == "keep"]


def test_run_again_begins_with_the_settings_of_that_job(app, held):
    given = png(20, 20)
    request = jobs.Request(
        prompt=HOSTILE,
        pair="sprites-uncurated",
        lam=0.4,
        step_ratio=0.5,
        schedule="linear",
        seed=11,
        layers=(0, 2),
        num_inference_steps=3,
        num_frames=9,
        with_t2v=False,
    )
    id = jobs.submit(held, request, image=given)
    page = app(held, "generate", job=id)
    page = page.button(key="run again").click().run()
    assert page.query_params["again"] == id and "job" not in page.query_params
    page = click(page)
    again = jobs.jobs(held)[-1]
    wanted = dataclasses.replace(request, width=48, height=48, guidance_scale=6.0)
    assert again.request == wanted and (pixels(again.files.reference) == pixels(given)).all()
    assert "again" not in page.query_params


def test_jobs_are_listed_the_last_first_with_prompts_as_text(app, held):
    first, second = put(held, prompt=HOSTILE), put(held, **running())
    page = app(held, "generate")
    assert [text for text in words(page) if text in (HOSTILE, PROMPT)] == [PROMPT, HOSTILE]
    assert opens(page) == [second, first]
    status = [each for each in markup(page) if "just now" in each]
    assert "Running" in status[0] and "Waiting" in status[1]
    assert not any("<img" in each for each in markup(page))
    page = page.button(key=f"open {first}").click().run()
    assert page.query_params["job"] == first and page.button(key="cancel")


def test_a_long_list_comes_a_page_at_a_time(app, held):
    for number in range(12):
        put(held, prompt=f"prompt {number}", status="done")
    page = app(held, "generate")
    assert [text for text in words(page) if text.startswith("prompt")] == [f"prompt {n}" for n in range(11, 1, -1)]
    page = page.get_by_key("jobs page").set_value(2).run()
    assert [text for text in words(page) if text.startswith("prompt")] == ["prompt 1", "prompt 0"]


@pytest.mark.parametrize("id", ["../demo", "20261125-123005-123456-0a1b2c3d", "<img src=x>", "x" * 5000])
def test_an_address_that_leads_to_no_job_says_so_and_shows_the_form(app, held, id):
    page = app(held, "generate", job=id)
    assert not page.exception and "no generation under this address" in page.warning[0].value
    assert page.button(key="generate") and not any("<img" in each for each in markup(page))


def test_a_damaged_job_takes_no_other_with_it(app, held):
    id, other = put(held), put(held)
    (files_of(held, id).path / "state.json").write_text("{")
    page = app(held, "generate")
    assert not page.exception and opens(page) == [other]
    page = app(held, "generate", job=id)
    assert not page.exception and page.warning


def test_the_page_loads_no_torch(tmp_path):
    program = (
        "import sys, os; sys.path.insert(0, sys.argv[2]); os.environ['DYMOS_PROBE_FOLDER'] = sys.argv[1]\n"
        "from streamlit.testing.v1 import AppTest\n"
        "test = AppTest.from_file(sys.argv[2] + '/app.py', default_timeout=120).run()\n"
        "test.switch_page('app_pages/generate.py').run()\n"
        "assert not test.exception and test.button(key='generate')\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    place = str(app_script().parent)
    command = [sys.executable, "-c", program, str(tmp_path), place]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert {"torch", "diffusers", "transformers"}.isdisjoint(ended.stdout.split())
