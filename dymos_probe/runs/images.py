"""Reference images: found, read as upright 8-bit RGB, and fitted to a generation size."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dymos_probe.errors import InputError, MissingFileError

MAX_PIXELS: Final = 64 * 1024 * 1024
"""Most pixels a reference image may have, 8192 × 8192: far above any generation size, 192 MiB as RGB."""

FORMATS: Final = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
"""File formats read. Pillow's others are left out; some of them start an interpreter on the file."""


def locate_image(image: str, prompt_file: str | Path) -> Path:
    """Return where an image named in a prompt file lies: beside that file, or else under the working directory.

    Raises
    ------
    MissingFileError
        When it lies in neither place.
    """
    candidates = (Path(prompt_file).parent / image, Path(image))
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    places = " nor at ".join(dict.fromkeys(str(candidate.absolute()) for candidate in candidates))
    raise MissingFileError(f"{prompt_file} names the image {image!r}, which is not at {places}")


def read_image(path: str | Path) -> Image.Image:
    """Return a reference image as RGB, turned upright by its EXIF orientation.

    Transparency is laid on white, 16-bit greyscale is reduced to 8 bits, and of an
    animation the first frame is taken.

    Raises
    ------
    MissingFileError
        When there is no such file.
    InputError
        When it is no image of `FORMATS`, is damaged, or has more than `MAX_PIXELS` pixels.
    """
    file = Path(path)
    if not file.exists():
        raise MissingFileError(f"there is no image {file}")
    return _read(file, str(file), MAX_PIXELS)


def decode_image(content: bytes, *, name: str, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the image in the bytes of a file, as :func:`read_image` does; ``name`` is what errors call it.

    Raises
    ------
    InputError
        When it is no image of `FORMATS`, is damaged, or has more than ``max_pixels`` pixels.
    """
    return _read(BytesIO(content), name, max_pixels)


def fit_image(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return the largest centred part of `image` with the ratio width:height, resized to width × height pixels.

    Nothing is stretched: what the wanted ratio has no room for is cut equally from both
    sides. The resampling is Lanczos; an image of that very size comes back unchanged.

    Raises
    ------
    InputError
        When the size is not at least 1 × 1.
    """
    if width < 1 or height < 1:
        raise InputError(f"an image is fitted to a width and height of at least 1, got {width}×{height}")
    return ImageOps.fit(image, (width, height), method=Image.Resampling.LANCZOS)


def _read(file: Path | BinaryIO, name: str, max_pixels: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow only warns between one and two times its own limit; ours, below, is an error and stricter.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as opened:
                width, height = opened.size
                if width * height > max_pixels:
                    most = f"at most {max_pixels / 2**20:g} Mi pixels are read"
                    raise InputError(f"the image {name} is {width}×{height} pixels; {most}")
                return _to_rgb(name, ImageOps.exif_transpose(opened))
    except UnidentifiedImageError:
        raise InputError(f"{name} is no image; give one of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise InputError(f"the image {name} has more than the {max_pixels} pixels that are read") from None
    except InputError:
        raise
    except Exception as error:  # damaged bytes lead the decoders to struct.error, zlib.error, IndexError …
        raise InputError(f"the image {name} cannot be read: {error}") from error


def _to_rgb(name: str, image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F"):
        raise InputError(f"the image {name} has 32-bit pixels ({image.mode}); save it with 8 bits a channel")
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")
