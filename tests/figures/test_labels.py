"""Numbers are written as print writes them, and never lose their value."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dymos_probe.figures.labels import condition_name, number, signed, strength, with_error


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.2345, "1.23"),
        (-0.01234, "−0.0123"),
        (1234.4, "1234"),
        (9.999, "10.0"),
        (7.95e-6, "7.95·10⁻⁶"),
        (-1e-12, "−1.00·10⁻¹²"),
        (math.nan, "—"),
        (-math.inf, "−∞"),
    ],
)
def test_three_digits_are_written(value, text):
    assert number(value) == text


@given(st.floats(-1e9, 1e9))
def test_a_number_reads_back_within_its_digits(value):
    text = number(value).replace("−", "-").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")).replace("·10", "e")
    assert float(text) == pytest.approx(value, rel=5.1e-3)


def test_changes_carry_their_sign_and_conditions_their_names():
    assert [signed(v) for v in (0.5, -0.5, 0.0)] == ["+0.50", "−0.50", "0"]
    assert [strength(v) for v in (-1.0, 0.6, math.inf)] == ["−1", "0.6", "∞"]
    assert [condition_name("t2v", 0.0), condition_name("i2v", -1.0)] == ["T2V", "I2V, λ = −1"]
    assert condition_name("i2v", float("nan")) == "I2V, ALG"
    assert condition_name("t2v", 1.0) == "T2V, λ = 1", "a control is not the untouched model"


def test_a_value_is_written_to_the_place_of_its_error():
    assert with_error(1.4049, 0.2611) == "1.40 ± 0.26"
    assert with_error(-11.96, 1.26) == "−12.0 ± 1.3"
    assert with_error(-0.0069, 0.088) == "−0.007 ± 0.088"
    assert with_error(150.2, 99.6) == "150 ± 100"
    assert with_error(-0.001, 0.26) == "0.00 ± 0.26"
    assert with_error(0.5, math.nan) == with_error(0.5, 0.0) == "0.500"
    assert with_error(math.nan, 0.1) == "—"
