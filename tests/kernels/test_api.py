"""What is refused, and what ``auto`` means."""

import subprocess
import sys

import pytest
import torch

import dymos_kernels as dk

OPERATIONS = ("biased_attention", "frame_mass", "attention_with_mass")


def _call(case, operation="attention_with_mass", **changed):
    values = {name: changed.pop(name, getattr(case, name)) for name in ("q", "k", "v", "layout", "bias")}
    if operation == "frame_mass":
        del values["v"]
    return getattr(dk, operation)(*values.values(), **(case.options | changed))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"q": torch.zeros(2, 26, 16)}, "q and k must be"),
        ({"k": torch.zeros(2, 2, 26, 8)}, "q and k must be"),
        ({"q": torch.zeros(2, 2, 0, 16), "k": torch.zeros(2, 2, 0, 16), "v": torch.zeros(2, 2, 0, 16)}, "not be empty"),
        ({"k": torch.zeros(2, 2, 26, 16, dtype=torch.float16)}, "share one floating dtype"),
        ({"k": torch.zeros(2, 2, 26, 16, device="meta")}, "on one device"),
        ({"layout": dk.FrameLayout(frames=3, tokens=8, start=5)}, "ends at token 29, but the sequence has 26"),
        ({"key_frame": 3}, "key_frame is 3, the layout has frames 0 to 2"),
        ({"key_frame": -1}, "key_frame is -1"),
        ({"bias": torch.zeros(2, 2, 4)}, r"bias must be \(2 or 1, 2 or 1, 3\)"),
        ({"bias": torch.zeros(3)}, "bias must be"),
        ({"bias": torch.zeros(1, 3, 3)}, "bias must be"),
        ({"bias": torch.zeros(1, 1, 3, dtype=torch.int64)}, "bias must be floating point"),
        ({"bias": torch.zeros(1, 1, 3, device="meta")}, "bias must be floating point on cpu"),
        ({"key_mask": torch.ones(2, 25, dtype=torch.bool)}, r"key_mask must be bool \(2, 26\)"),
        ({"key_mask": torch.ones(2, 26)}, "key_mask must be bool"),
        ({"key_mask": torch.arange(26).expand(2, -1) != 7}, "only text keys"),
        ({"impl": "fast"}, "choose one of auto, lse"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(make, operation, changed, message):
    with pytest.raises(ValueError, match=message) as error:
        _call(make(before=5, lam=0.6), operation, **changed)
    assert "\n" not in str(error.value)


def test_values_of_another_length_or_dtype_are_refused(make):
    case = make(before=5)
    for v in (case.v[:, :, :-1], case.v.half(), case.v[0], case.v[..., :0]):
        with pytest.raises(ValueError):
            _call(case, v=v)


def test_integers_are_refused(make):
    case = make()
    with pytest.raises(ValueError, match="floating"):
        _call(case, q=case.q.int(), k=case.k.int(), v=case.v.int())


@pytest.mark.parametrize("sizes", [{"frames": 0}, {"tokens": 0}, {"start": -1}])
def test_a_layout_has_frames_of_tokens(sizes):
    with pytest.raises(ValueError, match="a layout needs"):
        dk.FrameLayout(**({"frames": 2, "tokens": 3} | sizes))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("text", [{}, {"before": 2, "after": 1, "masked": 3}], ids=["no text", "all text masked"])
def test_removing_the_only_frame_is_refused_when_no_text_is_left(make, operation, text):
    table = torch.tensor([[[0.0]], [[float("inf")]]])
    with pytest.raises(ValueError, match="removes the only frame"):
        _call(make(frames=1, table=table, **text), operation)
    _call(make(frames=1, table=table.flip(0), **(text or {"before": 1})), operation)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", ["q", "k", "bias"])
def test_gradients_are_refused_rather_than_silently_dropped(make, operation, name):
    case = make(lam=0.6)
    tensor = getattr(case, name).clone().requires_grad_()
    with pytest.raises(RuntimeError, match="forward only"):
        _call(case, operation, **{name: tensor})
    with torch.no_grad():
        _call(case, operation, **{name: tensor})


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("tokens", [4, 200])
def test_auto_is_what_choose_says(make, operation, tokens):
    case = make(tokens=tokens, lam=0.6)
    name = dk.choose(operation, case.q, case.layout).impl
    assert name in dk.implementations("cpu")
    auto, named = _call(case, operation), _call(case, operation, impl=name)
    for one, other in zip(auto, named, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_every_machine_has_the_specification():
    assert {"reference", "chunked"} <= set(dk.implementations())


def test_what_runs_depends_on_the_device_of_the_tensors(make, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("dymos_kernels.triton_runtime.importable", lambda: True)
    assert "triton" in dk.implementations() and "triton" in dk.implementations("cuda:0")
    assert "triton" not in dk.implementations("cpu")
    assert set(dk.implementations("mps")) == {"chunked", "augment", "flex", "reference"}
    with pytest.raises(ValueError, match="impl 'triton' is not available on cpu; choose one of auto, lse"):
        _call(make(lam=0.6), impl="triton")


def test_double_precision_in_gives_double_precision_out(make):
    case = make(dtype=torch.float64, lam=0.6)
    for impl in ("auto", *dk.implementations("cpu")):
        out, mass = _call(case, impl=impl)
        assert out.dtype == torch.float64 and mass.mass.dtype == torch.float32


def test_importing_brings_no_optional_back_end():
    code = "import sys, dymos_kernels; print({'triton', 'torch._inductor', 'dymos_probe'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
