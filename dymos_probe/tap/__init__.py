"""The one place that touches a running model."""

from dymos_probe.tap.attach import RecordMode, Tap, attach
from dymos_probe.tap.estimate import StepEnd, watch_steps
from dymos_probe.tap.method import Forward, Method, Running
from dymos_probe.tap.recording import Recording

__all__ = ["Forward", "Method", "RecordMode", "Recording", "Running", "StepEnd", "Tap", "attach", "watch_steps"]
