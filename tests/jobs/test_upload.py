"""An upload becomes a plain PNG of its pixels, or a sentence."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from dymos_probe.errors import InputError
from dymos_probe.jobs import UploadLimits, read_upload

PIXELS = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    written = io.BytesIO()
    image.save(written, format=kind, **how)
    return written.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def chunks(png: bytes) -> list[bytes]:
    """Names of the chunks of a PNG, read by hand."""
    at, names = 8, []
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        names.append(png[at + 4 : at + 8])
        at += 12 + length
    return names


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be of any size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (body, b"IDAT" + zlib.compress(b""), b"IEND")
    made = (struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p)) for p in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_the_pixels_of_a_lossless_file_come_through(kind: str) -> None:
    how = {"lossless": True} if kind == "WEBP" else {}
    made = opened(read_upload(saved(Image.fromarray(PIXELS), kind, **how)))
    assert (made.format, made.mode) == ("PNG", "RGB")
    np.testing.assert_array_equal(np.asarray(made), PIXELS)


def test_nothing_but_pixels_comes_along() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "my address", 6
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "my address")
    given_png = saved(Image.fromarray(PIXELS), "PNG", exif=exif, pnginfo=text, icc_profile=b"my address", dpi=(1, 1))
    assert {b"iCCP", b"tEXt", b"eXIf"} <= set(chunks(given_png)), "the test's own file has what is to go"
    made = read_upload(given_png + b"trailing my address")
    assert chunks(made) == [b"IHDR", b"IDAT", b"IEND"] and b"address" not in made
    np.testing.assert_array_equal(np.asarray(opened(made)), np.rot90(PIXELS, -1))  # EXIF 6: turn right


def test_of_an_animation_the_first_frame_is_taken() -> None:
    first, second = Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)
    for kind, how in (("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})):
        animated = saved(first, kind, save_all=True, append_images=[second], **how)
        assert getattr(opened(animated), "n_frames", 1) == 2
        np.testing.assert_array_equal(np.asarray(opened(read_upload(animated))), PIXELS)


def test_other_modes_become_rgb() -> None:
    for mode in ("1", "L", "P", "LA", "RGBA", "CMYK"):
        kind = "TIFF" if mode == "CMYK" else "PNG"
        assert opened(read_upload(saved(Image.fromarray(PIXELS).convert(mode), kind))).mode == "RGB"
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    assert (np.asarray(opened(read_upload(saved(clear, "PNG")))) == 255).all()


@pytest.mark.parametrize("side", [8193, 13_000, 40_000, 2**31 - 1])
def test_a_decompression_bomb_is_an_error_below_and_above_pillows_own_limits(side: int) -> None:
    with pytest.raises(InputError, match=r"upload .*pixels"):
        read_upload(bomb(side, 8192))


def test_limits_are_those_given() -> None:
    content = saved(Image.fromarray(PIXELS), "PNG")
    assert read_upload(content, limits=UploadLimits(bytes=len(content), pixels=54))
    with pytest.raises(InputError, match="9×6 pixels"):
        read_upload(content, limits=UploadLimits(pixels=53))
    with pytest.raises(InputError, match="MiB"):
        read_upload(content, limits=UploadLimits(bytes=len(content) - 1))


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"GIF89a", bomb(4, 4)],
)
def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="upload"):
        read_upload(content)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "TIFF"]), st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(kind: str, data: st.DataObject) -> None:
    content = bytearray(saved(Image.fromarray(PIXELS), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))]
    try:
        made = opened(read_upload(bytes(content), limits=UploadLimits(pixels=10_000)))
    except InputError:
        return
    assert (made.format, made.mode) == ("PNG", "RGB")
