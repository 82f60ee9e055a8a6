"""Uploaded images: checked, decoded, turned upright, and written anew as plain RGB PNG."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from dymos_probe.errors import InputError
from dymos_probe.runs.images import FORMATS, MAX_PIXELS, decode_image

_MIB: Final = 2**20


@dataclass(frozen=True, kw_only=True)
class UploadLimits:
    """What an upload may measure."""

    bytes: int = 20 * _MIB
    """Size of the file as it comes."""
    pixels: int = MAX_PIXELS
    """Width × height, read from the header before anything is decoded."""


def read_upload(content: bytes, *, limits: UploadLimits | None = None) -> bytes:
    """Return an uploaded image as the bytes of an RGB PNG of the same pixels.

    Turned upright by its EXIF orientation, transparency laid on white, of an animation the first
    frame; nothing else of the file comes along: no metadata, profile, comment or trailing bytes.

    Parameters
    ----------
    content
        The file as it was uploaded; its name plays no part.
    limits
        At most 20 MiB and 64 Mi pixels unless given.

    Raises
    ------
    InputError
        When it is too large, has too many pixels (Pillow's decompression-bomb guard counts as an error),
        is no PNG, JPEG, WebP, BMP or TIFF, or is damaged.
    """
    most = limits or UploadLimits()
    if not content:
        raise InputError(f"the upload is empty; give an image file ({', '.join(FORMATS)})")
    if len(content) > most.bytes:
        raise InputError(
            f"the upload has {len(content) / _MIB:.1f} MiB; at most {most.bytes / _MIB:g} MiB are taken, "
            "save it smaller or as JPEG"
        )
    image = decode_image(content, name="upload", max_pixels=most.pixels)
    # From the pixels alone: an Image carries its file's profile and comments into what it is saved as.
    return encode_png(Image.fromarray(np.asarray(image)))


def encode_png(image: Image.Image) -> bytes:
    """Return an image as the bytes of a PNG; the same pixels give the same bytes."""
    written = io.BytesIO()
    image.save(written, format="png")
    return written.getvalue()
