"""The smallest call that runs a tiny pipeline, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Arm = Literal["t2v", "i2v"]


@dataclass(frozen=True, kw_only=True)
class CallSettings:
    """Call arguments of one tiny pipeline, and the token grid they lead to."""

    height: int
    """Frame height in pixels."""
    width: int
    """Frame width in pixels."""
    num_frames: int
    """Pixel frames asked for."""
    frames: int
    """Frames of the token grid, F of Eq. 8."""
    token_height: int
    """Token rows of one frame."""
    token_width: int
    """Token columns of one frame."""
    num_inference_steps: int = 4
    """Denoising steps."""
    guidance_scale: float = 4.0
    """Scale of classifier-free guidance."""
    guidance_argument: str | None = "guidance_scale"
    """Name of the call argument that takes the scale; None where ``pipe.guider`` holds it."""
    i2v_takes_size: bool = True
    """Whether the I2V call has ``height`` and ``width``; if not, the image's size decides."""
    i2v_dropped_frames: int = 0
    """Pixel frames the I2V pipeline removes from the front of its video."""
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Further call arguments without which the tiny pipeline does not run."""
    i2v_extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Further call arguments of the I2V arm, which win over ``extra``."""

    def kwargs(self, arm: Arm) -> dict[str, Any]:
        """Keyword arguments of ``pipe(...)``, all but prompts, image, generator and latents."""
        call: dict[str, Any] = {
            "num_frames": self.num_frames,
            "num_inference_steps": self.num_inference_steps,
            **self.extra,
        }
        if self.guidance_argument is not None:
            call[self.guidance_argument] = self.guidance_scale
        if arm == "i2v":
            call |= self.i2v_extra
        if arm == "t2v" or self.i2v_takes_size:
            call |= {"height": self.height, "width": self.width}
        return call

    def video_frames(self, arm: Arm) -> int:
        """Pixel frames of the video that comes out."""
        return self.num_frames - (self.i2v_dropped_frames if arm == "i2v" else 0)
