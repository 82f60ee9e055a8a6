"""Where the tokens of a self-attention sequence come from: text, and which latent frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dymos_probe.errors import InputError


@dataclass(frozen=True, kw_only=True)
class TokenLayout:
    """One self-attention sequence: ``[text before, frame 0, …, frame F-1, text after]``.

    Video tokens are frame-major (frame, height, width). "Text" is every token that is
    not a video token: prompt, byte-level or image-embedding tokens of an MM-DiT.

    Raises
    ------
    InputError
        When a size is not positive or a text length is negative.
    """

    frames: int
    """Latent frames after temporal patching, F."""
    height: int
    """Token rows of one frame."""
    width: int
    """Token columns of one frame."""
    text_before: int = 0
    """Text tokens in front of the video tokens."""
    text_after: int = 0
    """Text tokens behind the video tokens."""

    def __post_init__(self) -> None:
        """Refuse sizes no sequence can have."""
        if min(self.frames, self.height, self.width) < 1 or min(self.text_before, self.text_after) < 0:
            raise InputError(
                f"a token layout needs at least 1 frame, row and column and no negative text length, got {self}"
            )

    @property
    def tokens_per_frame(self) -> int:
        """P of Eq. 8."""
        return self.height * self.width

    @property
    def video_tokens(self) -> int:
        """Number of video tokens, F·P."""
        return self.frames * self.tokens_per_frame

    @property
    def length(self) -> int:
        """Number of tokens in the sequence, N."""
        return self.text_before + self.video_tokens + self.text_after

    def frame_of_token(self) -> npt.NDArray[np.int64]:
        """Latent frame of every token, shape (N,), −1 for text."""
        frames = np.repeat(np.arange(self.frames), self.tokens_per_frame)
        return np.pad(frames, (self.text_before, self.text_after), constant_values=-1)
