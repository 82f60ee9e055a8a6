"""The Videos page shows what was recorded of one sample, in words, and says what is not there."""

from __future__ import annotations

import json
import shutil

import pytest

from dymos_probe.store import open_study, video_path
from dymos_probe.store.videos import read_video
from dymos_probe.store.writer import finish_study, forget_run

T2V, I2V = "t2v", "i2v"
NAMES = ["T2V", "I2V, λ = −1", "I2V, λ = 0 (untouched)", "I2V, λ = 1", "I2V, λ = 4"]


@pytest.fixture
def samples(folder):
    return [str(sample) for sample in open_study(folder / "demo")["sample"].values]


def cells(page):
    """What the players are given, by label."""
    [component] = page.get("bidi_component")
    return {cell["label"]: cell for cell in json.loads(component.proto.json)["cells"]}


def texts(page):
    return [text.value for text in page.text]


def test_every_condition_of_a_sample_is_there_in_words_beside_the_reference_image(app, folder, samples):
    page = app(folder, "videos")
    assert not page.exception
    shown = cells(page)
    assert list(shown) == ["Reference image", *NAMES]
    assert page.selectbox(key="sample").value == samples[0]
    for name in NAMES:
        assert (shown[name]["frames"], shown[name]["fps"]) == (9, 8.0)
        assert (shown[name]["height"], shown[name]["width"]) == (48, 48)
        assert shown[name]["src"].startswith("/study/video?study=demo&sample=" + samples[0])
    assert shown["Reference image"]["src"].startswith("/study/image?study=demo&image=images")


def test_the_address_chooses_sample_and_conditions(app, folder, samples):
    page = app(folder, "videos", sample=samples[1], videos=["T2V", "I2V, λ = 4"])
    assert list(cells(page)) == ["Reference image", "T2V", "I2V, λ = 4"]
    assert page.selectbox(key="sample").value == samples[1]


def test_a_sample_of_another_study_in_the_address_is_said_not_to_be_here(app, folder, samples):
    page = app(folder, "videos", sample="nobody-s0")
    assert page.selectbox(key="sample").value == samples[0]
    assert "no sample of that name" in page.warning[0].value


def test_the_arrows_go_from_sample_to_sample_and_end_at_the_last(app, folder, samples):
    page = app(folder, "videos")
    back, forward = (page.button(key=f"{way} sample") for way in ("Previous", "Next"))
    assert back.disabled and not forward.disabled
    page = forward.click().run()
    assert page.selectbox(key="sample").value == samples[1]
    assert page.button(key="Next sample").disabled and not page.button(key="Previous sample").disabled


def test_a_prompt_is_shown_as_the_text_it_is(app, folder, samples):
    prompt = str(open_study(folder / "demo")["prompt"].values[1])
    page = app(folder, "videos", sample=samples[1])
    assert "<img" in prompt and prompt in texts(page)
    markdown = [block.value for block in page.markdown] + [caption.value for caption in page.caption]
    assert not any("<img" in block for block in markdown)


def test_a_run_not_recorded_yet_and_a_video_gone_are_two_things(app, folder, samples):
    forget_run(folder / "demo", samples[0], I2V)
    videos = folder / "demo" / "videos" / samples[0]
    (videos / "i2v.mp4").unlink()
    (videos / "t2v.mp4").unlink()
    shown = cells(app(folder, "videos"))
    assert shown["I2V, λ = 0 (untouched)"]["missing"] == "Not recorded yet."
    assert shown["T2V"]["missing"] == "The video of this run is missing."
    assert not shown["T2V"]["src"] and shown["I2V, λ = 1"]["src"]


def test_a_damaged_video_is_said_to_be_and_the_others_still_play(app, folder, samples):
    (folder / "demo" / "videos" / samples[0] / "t2v.mp4").write_bytes(b"no video")
    page = app(folder, "videos")
    shown = cells(page)
    assert not page.exception
    assert "damaged" in shown["T2V"]["missing"] and shown["I2V, λ = 1"]["src"]


def test_a_video_recorded_anew_has_another_address(app, folder, samples):
    page = app(folder, "videos")
    before = cells(page)
    video = folder / "demo" / "videos" / samples[0] / "t2v.mp4"
    whole = video.read_bytes()
    video.unlink()
    video.write_bytes(whole)
    after = cells(page.run())
    assert after["T2V"]["src"] != before["T2V"]["src"]
    assert after["I2V, λ = 1"] == before["I2V, λ = 1"]


def test_the_line_over_time_is_that_of_the_videos_themselves(app, folder, samples):
    page = app(folder, "videos", videos=["T2V", "I2V, λ = 4"])
    assert not page.exception and "One line of pixels over time" in [each.value for each in page.subheader]
    import data

    [entry] = data.studies()
    ids = ("t2v", "i2v_lam4_ratio0.25")
    lines = data.lines("demo", data.stamp_of(entry), samples[0], ids, "x", 7)
    for condition in ids:
        frames = read_video(video_path(folder / "demo", samples[0], condition)).frames
        assert (lines.sel(condition=condition).values == frames[:, :, 7:8]).all()


def test_nothing_is_sent_to_the_players_anew_when_nothing_changed(app, folder):
    page = app(folder, "videos")
    [first] = page.get("bidi_component")
    [second] = page.run().get("bidi_component")
    assert (first.proto.id, first.proto.json) == (second.proto.id, second.proto.json)


def test_the_metrics_of_the_sample_are_those_in_the_store(app, folder, samples):
    page = app(folder, "videos", sample=samples[1], videos=["T2V", "I2V, λ = 4"])
    ds = open_study(folder / "demo")
    stored = ds["metric_optical_flow"].sel(sample=samples[1])
    table = page.dataframe[0].value
    assert table["condition"].tolist() == ["T2V", "I2V, λ = 4"]
    last = [str(condition) for condition in ds["condition"].values if "lam4" in str(condition)]
    assert table.iloc[:, 1].tolist() == pytest.approx(stored.sel(condition=[T2V, *last]).values.tolist())


def test_a_study_without_metrics_says_how_to_measure(app, folder):
    shutil.rmtree(folder / "demo" / "attention.zarr" / "metric_optical_flow")
    finish_study(folder / "demo")
    page = app(folder, "videos")
    assert not page.exception
    assert any("probe metrics" in info.value for info in page.info)


def test_no_condition_chosen_is_answered_with_what_to_do(app, folder):
    page = app(folder, "videos")
    page.multiselect(key="videos").set_value([]).run()
    assert not page.exception and "Choose a condition" in page.info[0].value


def test_a_broken_study_in_the_address_is_said_to_be_broken(app, folder):
    shutil.copytree(folder / "demo", folder / "harmed")
    (folder / "harmed" / "study.json").write_text("{")
    page = app(folder, "videos", study="harmed")
    assert not page.exception and "cannot be opened" in str(page.error[0].proto)
    assert not page.get("bidi_component")


def test_an_empty_folder_says_how_to_record(app, tmp_path):
    page = app(tmp_path, "videos")
    assert not page.exception and page.code[0].value.startswith("probe record") and str(tmp_path) in page.code[0].value
