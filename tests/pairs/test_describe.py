"""What study.json keeps of a pair tells two models apart and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dymos_probe.pairs import Pair, describe
from dymos_probe.pairs.describe import SAMPLED_ABOVE, folder_hash

COMMIT = "1f6b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b"


def test_a_description_is_json_and_names_the_libraries(saved_pair: Pair) -> None:
    described = json.loads(json.dumps(describe(saved_pair)))
    assert described["t2v"]["pipeline"] == "CogVideoXPipeline"
    assert described["i2v"]["pipeline"] == "CogVideoXImageToVideoPipeline"
    assert described["versions"]["torch"] and described["versions"]["dymos-probe"]
    assert described["t2v"]["sha256"] != described["i2v"]["sha256"]


def test_a_copy_elsewhere_has_the_same_hash_and_one_changed_byte_another(
    saved_pair: Pair, copied_pair: Callable[[], Pair]
) -> None:
    folder = Path(copied_pair().t2v)
    assert folder_hash(folder) == folder_hash(Path(saved_pair.t2v))
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("a tool's own file")
    assert folder_hash(folder) == folder_hash(Path(saved_pair.t2v))
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert folder_hash(folder) != folder_hash(Path(saved_pair.t2v))


def test_a_renamed_file_changes_the_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    before = folder_hash(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert folder_hash(tmp_path) != before


def test_both_ends_of_a_large_file_count(tmp_path: Path) -> None:
    large = tmp_path / "weights"
    hashes = set()
    for offset in (None, 0, SAMPLED_ABOVE):
        with large.open("wb") as file:
            file.truncate(SAMPLED_ABOVE + 1)  # sparse: takes no disk
            if offset is not None:
                file.seek(offset)
                file.write(b"\1")
        hashes.add(folder_hash(tmp_path))
    assert len(hashes) == 3


def test_a_hub_model_is_described_by_the_commit_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(t2v="owner/t2v", i2v="owner/i2v", revision_t2v="v1")
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(tmp_path), raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert describe(pair)["t2v"] == {"hub_id": "owner/t2v", "revision": "v1", "commit": None, "pipeline": None}
    repository = tmp_path / "models--owner--t2v"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "v1").write_text(COMMIT)
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "model_index.json").write_text('{"_class_name": "WanPipeline"}')
    described = describe(pair)["t2v"]
    assert (described["commit"], described["pipeline"]) == (COMMIT, "WanPipeline")
