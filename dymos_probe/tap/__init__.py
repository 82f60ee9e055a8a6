"""The one place that touches a running model."""

from dymos_probe.tap.attach import RecordMode, Tap, attach
from dymos_probe.tap.recording import Recording

__all__ = ["RecordMode", "Recording", "Tap", "attach"]
