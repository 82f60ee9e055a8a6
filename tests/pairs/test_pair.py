"""Naming a pair: presets, folders, hub ids, and what is refused before anything is loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dymos_probe import testing
from dymos_probe.errors import EnvironmentLacksError, InputError, MissingFileError
from dymos_probe.pairs import Pair, built, load_pair


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(built, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache"


def test_the_tiny_pair_is_built_once_and_left_alone_afterwards(cache: Path) -> None:
    first = load_pair("tiny-cogvideox")
    made = {file: file.stat().st_mtime_ns for file in cache.rglob("*")}
    assert load_pair("tiny-cogvideox") == first
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*")} == made
    assert [child.name for child in Path(first.t2v).parent.parent.iterdir()] == [Path(first.t2v).parent.name]


def test_an_interrupted_build_leaves_no_half_pair(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(name: str, folder: Path) -> None:
        (folder / "t2v").mkdir(parents=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(testing, "save_pair", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load_pair("tiny-cogvideox")
    assert list((cache / "dymos-probe" / "pairs").iterdir()) == []
    load_pair("tiny-cogvideox")


def test_two_first_uses_at_once_both_get_the_pair(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = testing.save_pair

    def while_another_finishes(name: str, folder: Path) -> object:
        monkeypatch.setattr(testing, "save_pair", build)
        load_pair("tiny-cogvideox")
        return build(name, folder)

    monkeypatch.setattr(testing, "save_pair", while_another_finishes)
    pair = load_pair("tiny-cogvideox")
    assert len(list((cache / "dymos-probe" / "pairs").iterdir())) == 1
    assert (Path(pair.i2v) / "model_index.json").is_file()


def test_a_cache_that_cannot_be_written_is_an_environment_that_lacks_something(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(EnvironmentLacksError, match="XDG_CACHE_HOME"):
        load_pair("tiny-cogvideox")


def test_a_folder_with_both_arms_is_a_pair(saved_pair: Pair) -> None:
    folder = Path(saved_pair.t2v).parent
    assert load_pair(folder) == load_pair(str(folder)) == Pair(t2v=folder / "t2v", i2v=folder / "i2v")


def test_options_replace_those_of_the_pair(saved_pair: Pair) -> None:
    pair = load_pair(saved_pair, dtype="bfloat16", vae_tiling=True)
    assert (pair.dtype, pair.vae_tiling, pair.device) == ("bfloat16", True, "cpu")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dtype": "int8"}, "float32, float16, bfloat16"),
        ({"offload": "disk"}, "none, model, sequential"),
        ({"device": "tpu"}, "auto, cpu, cuda"),
        ({"t2v": " "}, "hub id"),
    ],
)
def test_an_unknown_option_is_answered_with_the_known_ones(options: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Pair(**{"t2v": "a/b", "i2v": "c/d", **options})  # type: ignore[arg-type]


def test_a_hub_id_is_told_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pair = Pair(t2v="owner/name", i2v="./owner/name")
    assert pair.folder("t2v") is None
    assert pair.folder("i2v") == Path("owner/name")
    (tmp_path / "owner" / "name").mkdir(parents=True)
    assert pair.folder("t2v") == Path("owner/name")


@pytest.mark.parametrize("name", ["no/such/folder", "no/such", Path("nothing")])
def test_a_missing_folder_is_named(name: str | Path) -> None:
    with pytest.raises(MissingFileError, match=str(name)):
        load_pair(name)


def test_exchanged_arms_are_told_before_the_first_video(saved_pair: Pair) -> None:
    with pytest.raises(InputError, match=r"image-to-video model .* given as the t2v"):
        load_pair(Pair(t2v=saved_pair.i2v, i2v=saved_pair.t2v))


def test_one_folder_can_serve_both_arms_when_the_class_is_named(saved_pair: Pair) -> None:
    with pytest.raises(InputError, match="text-to-video model"):
        load_pair(Pair(t2v=saved_pair.t2v, i2v=saved_pair.t2v))
    load_pair(Pair(t2v=saved_pair.t2v, i2v=saved_pair.t2v, pipeline_i2v="CogVideoXImageToVideoPipeline"))


def test_a_folder_without_model_index_says_which_folder_to_give(copied_pair: Callable[[], Pair]) -> None:
    pair = copied_pair()
    with pytest.raises(InputError, match=r"model_index\.json.*top folder"):
        load_pair(Pair(t2v=Path(pair.t2v) / "transformer", i2v=pair.i2v))


def test_pickled_weights_are_refused_and_never_opened(copied_pair: Callable[[], Pair]) -> None:
    pair = copied_pair()
    weights = Path(pair.t2v) / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(InputError, match=r"pickled .*\.bin.*safe_serialization=True"):
        load_pair(pair)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda t2v: os.unlink(t2v / "transformer/diffusion_pytorch_model.safetensors"),
            r"transformer/\*\.safetensors",
        ),
        (lambda t2v: (t2v / "scheduler").rename(t2v / "gone"), "scheduler/ is missing"),
        (lambda t2v: (t2v / "model_index.json").write_text("{"), "not JSON"),
        (lambda t2v: (t2v / "model_index.json").write_text("[]"), "holds a list"),
        (lambda t2v: _edit_index(t2v, _class_name="MadeUpPipeline"), "MadeUpPipeline, which diffusers"),
        (lambda t2v: _edit_index(t2v, vae=["my_code", "VAE"]), "'my_code', which is not run"),
        (
            lambda t2v: (t2v / "transformer/x.safetensors.index.json").write_text(
                '{"weight_map": {"w": "x-2.safetensors"}}'
            ),
            "x-2.safetensors is missing",
        ),
    ],
)
def test_a_damaged_folder_is_told_by_what_is_wrong_in_it(
    copied_pair: Callable[[], Pair], damage: Callable[[Path], object], said: str
) -> None:
    pair = copied_pair()
    damage(Path(pair.t2v))
    with pytest.raises(InputError, match=said) as caught:
        load_pair(pair)
    assert "\n" not in str(caught.value)


def _edit_index(folder: Path, **entries: object) -> None:
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | entries))
