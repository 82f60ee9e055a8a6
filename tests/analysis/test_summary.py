"""The table of conditions says of each what the analyses of that name say."""

import pytest

from dymos_probe.analysis.summary import condition_table
from dymos_probe.store import forget_run, open_study
from dymos_probe.testing.synthetic import synthetic_study


@pytest.fixture
def known(tmp_path):
    return synthetic_study(tmp_path / "study", samples=3, lams=(-1.0, 0.6, 1.0), dominance=0.25, excess=0.2)


@pytest.mark.parametrize("early", [0.1, 1.0])
def test_each_row_has_its_dominance_and_distance(known, early):
    ds = open_study(known.path)
    rows = {row["condition"]: row for row in condition_table(ds, early=early)}
    assert list(rows) == list(known.conditions)
    curve = ds.probe.distance(early=early)
    for lam in curve["lam"].values.tolist():
        row = rows["i2v" if lam == 0 else f"i2v lam={lam:g}"]
        assert row["distance"] == pytest.approx(float(curve.sel(lam=lam)), abs=1e-12) and row["distance"] > 1e-4
        assert (row["lam"], row["complete"], row["samples"]) == (lam, 3, 3)
    assert rows["t2v"]["distance"] is None
    assert rows["t2v"]["dominance"] == pytest.approx(0.25) and rows["i2v"]["dominance"] == pytest.approx(0.45)


def test_what_has_no_run_has_no_number(known):
    for sample in known.samples:
        forget_run(known.path, sample, "i2v lam=1")
    for sample in known.samples[:2]:
        forget_run(known.path, sample, "t2v")
    ds = open_study(known.path)
    rows = {row["condition"]: row for row in condition_table(ds)}
    assert (rows["i2v lam=1"]["dominance"], rows["i2v lam=1"]["distance"], rows["i2v lam=1"]["complete"]) == (
        None,
        None,
        0,
    )
    # T2V's one sample is all a distance can stand on.
    alone = ds.sel(sample=[known.samples[2]], condition=["t2v", "i2v"]).probe.distance()
    assert rows["i2v"]["distance"] == pytest.approx(float(alone[0]), abs=1e-12)
