"""Costs are shown as they were measured, beside what is published, and what was not measured says so."""

import pytest

from dymos_probe.bench.table5 import TABLE_5, published_rows
from dymos_probe.errors import InputError
from dymos_probe.figures import overhead_table

HERE = [
    {"pair": "cogvideox-5b", "method": "baseline", "device": "H100", "ratio": "1.0"},
    {
        "pair": "cogvideox-5b",
        "method": "dymos",
        "device": "H100",
        "ratio": "1.02",
        "ratio_lowest": "0.99",
        "ratio_highest": "1.05",
    },
    {"pair": "cogvideox-5b", "method": "fused", "device": "H100", "ratio": ""},
]


def dots(figure, name):
    trace = next(trace for trace in figure.data if trace.name == name)
    return dict(zip(trace.text, trace.x, strict=True)), trace


def lines(figure):
    """Every (line of the plot, text beside it)."""
    names = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    return {(names.get(note.y), note.text) for note in figure.layout.annotations}


def test_the_dots_are_the_ratios_in_per_cent_with_their_range():
    here, trace = dots(overhead_table(HERE), "here")
    assert here == {"cogvideox-5b, DyMoS, here": pytest.approx(2.0)}
    assert trace.error_x.arrayminus[0] == pytest.approx(3.0) and trace.error_x.array[0] == pytest.approx(3.0)
    texts = lines(overhead_table(HERE))
    assert ("DyMoS", "+2.0 %  (−1.0 to +5.0)") in texts
    assert any(name == "recording, fused" and "not measured" in text for name, text in texts)
    assert overhead_table(HERE).layout.xaxis.title.text == "time over the untouched model (%)"


def test_the_paper_stands_beside_with_every_number_of_its_table():
    figure = overhead_table(HERE, paper=published_rows(), methods=["dymos", "alg"])
    paper, _ = dots(figure, "paper")
    expected = {
        f"{pair}, {name}, paper": pytest.approx(column.percent[method])
        for pair, column in TABLE_5.items()
        for method, name in (("dymos", "DyMoS"), ("alg", "ALG"))
    }
    assert paper == expected and len(expected) == 8
    assert ("ALG", "+10.3 %") in lines(figure)
    unmeasured = [note for note in figure.layout.annotations if "not measured" in note.text]
    assert len(unmeasured) == 7, "all but DyMoS on one pair"
    assert "here: H100 · paper: A100 80GB" in figure.layout.title.text
    assert 500 < figure.layout.width < 1250


def test_published_rows_keep_the_seconds_they_print():
    rows = {(row["pair"], row["method"]): row for row in published_rows()}
    assert len(rows) == 12
    for (pair, _), row in rows.items():
        printed = row["seconds"] / TABLE_5[pair].baseline_seconds
        # Seconds are rounded to whole ones, percentages to tenths.
        assert row["ratio"] == pytest.approx(printed, abs=1.6e-3)


def test_of_several_measurements_the_last_counts():
    again = [*HERE, {**HERE[1], "ratio": 1.5, "ratio_lowest": None, "ratio_highest": None}]
    assert ("DyMoS", "+50.0 %") in lines(overhead_table(again))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no costs to show"),
        ([{"method": "dymos", "ratio": 1.0}], "needs its pair and method"),
        ([{**HERE[1], "ratio": "fast"}], "ratio 'fast' of dymos on cogvideox-5b must be a number above 0"),
        ([{**HERE[1], "ratio": "nan"}], "must be a number above 0"),
        ([{**HERE[1], "ratio_lowest": -1.0}], "ratio_lowest"),
        ([HERE[1], {**HERE[1], "device": "A100", "method": "alg"}], "of several devices, A100, H100"),
    ],
)
def test_what_are_no_costs_is_refused(rows, words):
    with pytest.raises(InputError, match=words):
        overhead_table(rows)
