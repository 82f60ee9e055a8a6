"""FlexAttention really compiled: once for all λ, and equal to the softmax."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, torch
import dymos_kernels as dk
from torch._dynamo.utils import counters

torch.manual_seed(0)
layout = dk.FrameLayout(frames=3, tokens=70, start=20)
q, k, v = torch.randn(3, 2, 2, 230, 32)
mask = torch.ones(2, 230, dtype=torch.bool)
mask[1, :20] = False
found = []
for lam in (0.6, -0.6, 10.0, -10.0, float("inf"), -float("inf"), 0.3, 0.2, 0.1, 1.7):
    bias = torch.tensor([[[0.0, lam, lam]]])
    out = dk.biased_attention(q, k, v, layout, bias, key_mask=mask, impl="flex")
    truth = dk.biased_attention(q, k, v, layout, bias, key_mask=mask, impl="reference")
    found.append((out - truth).abs().max().item())
breaks = sum(counters["graph_break"].values())
print(json.dumps({"errors": found, "graphs": counters["stats"]["unique_graphs"], "breaks": breaks}))
"""


@pytest.mark.slow
def test_one_compilation_serves_every_strength():
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert len(result["errors"]) == 10 and max(result["errors"]) < 2e-5
    assert result["graphs"] == 1 and result["breaks"] == 0
