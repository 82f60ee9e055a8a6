"""The configuration of every study holds for every pair, and the paper's numbers agree with each other."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from pathlib import Path

import pytest

from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.pairs import PRESETS
from studies.fig2_difference import paper as fig2
from studies.fig3_intervention import paper as fig3
from studies.fig6_continuous_control import paper as fig6
from studies.reproduction.paper import MEASURES, TABLE_3, Row, operation
from studies.reproduction.registry import STUDIES, chosen
from studies.reproduction.run import needed
from studies.reproduction.setting import HELD_OUT, Setting
from studies.reproduction.study import Configuration
from studies.reproduction.sweep import ALG, Sweep
from studies.sprites.config import sprites
from studies.sprites.data import held_out
from studies.sprites.measure import held_out_clips
from studies.tab1_backbones.paper import PAIRS, TABLE_1
from studies.tab2_datasets.paper import SAMPLES, TABLE_2
from studies.tab6_schedules.paper import TABLE_6

ROOT = Path(__file__).parents[2] / "studies"


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.txt"
    file.write_text("a dog runs\n")
    return file


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
@pytest.mark.parametrize("pair", PRESETS)
def test_a_study_is_configured_for_every_pair(study, pair, prompts):
    config = study.configuration(Setting(pair=pair, prompts=prompts))
    assert isinstance(config, Configuration) and config.pair == pair and pair in config.needs
    assert all(field.kw_only for field in dataclasses.fields(config))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.pair = "another"
    published = PRESETS[pair]
    for name in ("lam", "step_ratio"):
        asked = getattr(config, name, None)
        if asked is not None and getattr(published, name) is not None and study.name != "fig3_intervention":
            assert asked == getattr(published, name)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_every_field_is_documented(study):
    kind = type(study.configuration(Setting()))
    tree = ast.parse(inspect.getsource(kind)).body[0].body
    fields = [at for at, node in enumerate(tree) if isinstance(node, ast.AnnAssign)]
    own = [field.name for field in dataclasses.fields(kind) if field.name in kind.__annotations__]
    assert [tree[at].target.id for at in fields] == own
    assert all(isinstance(tree[at + 1], ast.Expr) and tree[at + 1].value.value.strip() for at in fields)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_a_study_is_a_folder_of_its_name_with_the_paper_s_part_as_data(study):
    assert {"__init__.py", "paper.py", "study.py"} <= {file.name for file in (ROOT / study.name).iterdir()}
    assert Path(inspect.getfile(study.measure)).parent.name == study.name


def test_every_folder_of_studies_is_known():
    folders = {file.parent.name for file in ROOT.glob("*/study.py")} - {"reproduction"}
    assert folders == {study.name for study in STUDIES}


def test_conditions_get_the_ids_that_intervene_gives_them():
    swept = Sweep(lams=(-1.0, 0.0, 0.6), step_ratio=0.25)
    assert swept.ids("sprites") == ("i2v_lam-1_ratio0.25", "i2v", "i2v_lam0.6_ratio0.25")
    assert Sweep(lams=(1.0,), step_ratio=0.25, key_frame=3).ids("sprites") == ("i2v_lam1_ratio0.25_K3",)
    assert Sweep(lams=(1.0,), step_ratio=0.0).ids("sprites") == ("i2v",)
    assert ALG.ids("sprites") == ("i2v_alg_resize0.25_0-0.04",)
    assert ALG.ids("wan2.2-a14b") == ("i2v_alg_resize0.4_0-0.1",)


def test_what_several_studies_need_is_asked_for_once():
    settings = [study.configuration(Setting()) for study in STUDIES if study.records]
    every = needed(settings)
    assert set(every) == {"sprites", "sprites-uncurated"}
    ids = {label for sweep in every["sprites"] for label in sweep.ids("sprites")}
    for config in settings:
        assert {label for sweep in config.needs["sprites"] for label in sweep.ids("sprites")} <= ids
    assert len(set(every["sprites"])) == len(every["sprites"])
    assert needed(settings[:1]) == {"sprites": ()}  # Figure 2 needs both untouched arms alone


def test_a_study_is_chosen_by_name_in_the_order_of_the_paper():
    assert [study.name for study in chosen(["tab6_schedules", "fig2_difference"])] == [
        "fig2_difference",
        "tab6_schedules",
    ]
    assert chosen([]) == STUDIES
    with pytest.raises(InputError, match="study 'fig9' is unknown; choose from fig2_difference"):
        chosen(["fig9"])


def test_the_shipped_pair_is_run_on_captions_it_never_saw():
    texts = Setting().texts()
    assert len(set(texts)) == HELD_OUT == 64
    clips = {clip.caption: clip for clip in held_out_clips(sprites())}
    assert all(held_out(clips[text].colour, clips[text].shape, clips[text].direction) for text in texts)
    assert Setting(samples=5).texts() == texts[:5]


def test_other_prompts_seeds_or_fewer_samples_are_other_runs(prompts):
    settings = [
        Setting(),
        Setting(samples=6),
        Setting(seeds=(0, 1)),
        Setting(prompts=prompts),
        Setting(pair="wan2.2-a14b", prompts=prompts),
    ]
    assert len({setting.store(setting.pair) for setting in settings}) == len(settings)
    assert [setting.shipped for setting in settings] == [True, False, False, False, False]


def test_a_wrong_setting_is_refused(prompts):
    for wrong, said in (
        ({"pair": "wan2.1-14b"}, "comes without prompts; give --prompts FILE"),
        ({"pair": "nobody"}, "nobody"),
        ({"samples": 65}, "outside 1 to 64"),
        ({"samples": 3, "prompts": prompts}, "shorten"),
    ):
        with pytest.raises(InputError, match=said):
            Setting(**wrong)
    with pytest.raises(MissingFileError, match="no prompt file"):
        Setting(prompts=Path("nowhere.txt"))


def test_the_rows_the_paper_prints_twice_are_the_same():
    for method in ("Baseline", "ALG", "Ours"):
        assert TABLE_2[f"VBench-I2V, {method}"].values == TABLE_1[f"Wan 2.2-14B, {method}"].values
    assert TABLE_6["Uniform"].values == TABLE_1["Wan 2.2-14B, Ours"].values
    assert PAIRS == SAMPLES["VBench-I2V"] == 246


def test_every_row_says_where_it_is_printed_and_lies_in_its_range():
    for name, rows in {"Table 1": TABLE_1, "Table 2": TABLE_2, "Table 6": TABLE_6}.items():
        for key, row in rows.items():
            assert isinstance(row, Row) and row.place == f"{name}, {key}"
            degree, score, quality, viclip, reward = row.values
            assert len(row.values) == len(MEASURES)
            assert 0 < degree < 100 and 1 <= score <= 4 and 50 < quality < 65 and 0.2 < viclip < 0.3
            assert 0 < reward < 0.21645  # the largest VisionReward there is
    assert (len(TABLE_1), len(TABLE_2), len(TABLE_6)) == (12, 9, 3)
    assert TABLE_1["CogVideoX-5B, Ours"].value("ViCLIP") == 0.2652


def test_ours_moves_most_in_every_row_of_the_paper():
    for rows in (TABLE_1, TABLE_2):
        for key, row in rows.items():
            if key.endswith("Ours"):
                others = [rows[key.replace("Ours", other)].values[0] for other in ("Baseline", "ALG")]
                assert row.values[0] > max(others)


def test_table_3_is_that_of_the_presets():
    for name, published in TABLE_3.items():
        assert (published.lam, published.step_ratio) == (PRESETS[name].lam, PRESETS[name].step_ratio)
        assert operation(name) == published
    assert operation("sprites").step_ratio == PRESETS["sprites"].step_ratio


def test_what_the_text_states_is_what_is_run():
    assert fig2.PROMPTS == 50 and fig2.EARLY == fig3.STEP_RATIO == 0.1
    assert fig6.LAMS == (-2.0, -1.0, 0.0, 0.6, 1.0)
    assert list(fig3.LAMS) == sorted(fig3.LAMS) and 0.0 in fig3.LAMS
