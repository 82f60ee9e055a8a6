"""How numbers and conditions are written in figures and sentences."""

from __future__ import annotations

import math

MINUS = "\u2212"
"""The minus sign of print, as wide as a plus."""

_LEAST_POWER = -4
"""Of ten, below which a number is written with it."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def strength(lam: float) -> str:
    """Return λ as text: ``−1``, ``0.6``, ``∞``."""
    text = "∞" if math.isinf(lam) else f"{abs(lam):g}"
    return (MINUS if lam < 0 else "") + text


def number(value: float, digits: int = 3) -> str:
    """Return ``value`` with so many significant digits: ``−0.0123``, ``1234``, ``8.0·10⁻⁶``; NaN as a dash."""
    if not math.isfinite(value):
        return "—" if math.isnan(value) else strength(value)
    if value == 0.0:
        return "0"
    sign = MINUS if value < 0 else ""
    power = math.floor(math.log10(float(f"{abs(value):.{digits - 1}e}")))
    if power < _LEAST_POWER:
        mantissa = f"{abs(value):.{digits - 1}e}".partition("e")[0]
        return f"{sign}{mantissa}·10{str(power).translate(_SUPERSCRIPTS)}"
    return f"{sign}{abs(value):.{max(0, digits - 1 - power)}f}"


def signed(value: float, digits: int = 2) -> str:
    """Return ``value`` as :func:`number` does, a plus before what is above zero."""
    text = number(value, digits)
    return f"+{text}" if value > 0.0 else text


def condition_name(arm: str, lam: float) -> str:
    """Return the plain name of a run: ``T2V``, ``I2V, λ = 0.6``; ``I2V, ALG`` where there is no λ, NaN."""
    if math.isnan(lam):
        return f"{arm.upper()}, ALG"
    if arm == "t2v" and lam == 0.0:
        return "T2V"
    return f"{arm.upper()}, λ = {strength(lam)}"


def counted(count: int, noun: str) -> str:
    """Return ``1 sample``, ``2 samples``."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def with_error(value: float, error: float) -> str:
    """Return ``1.40 ± 0.26``: two digits of the error and the value to the same place; the value alone without one."""
    if not math.isfinite(error) or error == 0.0 or not math.isfinite(value):
        return number(value)
    decimals = max(0, 1 - math.floor(math.log10(float(f"{error:.1e}"))))
    text = f"{abs(value):.{decimals}f}"
    return f"{MINUS if value < 0.0 and float(text) else ''}{text} ± {error:.{decimals}f}"
