"""Reference images come upright, in RGB, whole and at the size asked for, or not at all."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dymos_probe.errors import InputError, MissingFileError
from dymos_probe.runs.images import MAX_PIXELS, fit_image, locate_image, read_image

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)


def png_header(width: int, height: int) -> bytes:
    """The first chunks of a PNG of any claimed size: what a decompression bomb shows before it is opened."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (body, data, b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff"])
def test_a_lossless_image_is_read_as_it_was_written(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(PIXELS).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / f"a.{suffix}")), PIXELS)


@pytest.mark.parametrize(
    ("orientation", "upright"),
    # EXIF 2.32, tag 0x0112: what has to be done to the stored rows and columns.
    [(1, PIXELS), (2, PIXELS[:, ::-1]), (3, PIXELS[::-1, ::-1]), (6, np.rot90(PIXELS, -1)), (8, np.rot90(PIXELS))],
)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, upright: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PIXELS).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "a.png")), upright)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    for mode, file in (("RGBA", "rgba.png"), ("LA", "la.png")):
        Image.new(mode, (2, 2), 0).save(tmp_path / file)
        assert (np.asarray(read_image(tmp_path / file)) == 255).all()
    palette = Image.new("P", (2, 2), 0)
    palette.save(tmp_path / "p.png", transparency=0)
    assert (np.asarray(read_image(tmp_path / "p.png")) == 255).all()


def test_sixteen_bit_grey_keeps_its_brightness(tmp_path: Path) -> None:
    grey = np.array([[0, 0x7FFF, 0xFFFF]], dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(read_image(tmp_path / "a.png"))[0, :, 0], [0, 127, 255])


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((2, 2), np.float32)).save(tmp_path / "a.tiff")
    with pytest.raises(InputError, match="32-bit pixels"):
        read_image(tmp_path / "a.tiff")


@pytest.mark.parametrize("side", [8193, 20_000, 2**31 - 1])
def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png_header(side, 8192))
    assert side * 8192 > MAX_PIXELS
    with pytest.raises(InputError, match=r"bomb\.png .*pixels"):
        read_image(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    "content", [b"", b"no image at all", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", png_header(0, 4)]
)
def test_what_is_no_image_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_truncated_image_is_refused(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a.{suffix}"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:-800])
    with pytest.raises(InputError, match=rf"a\.{suffix}"):
        read_image(file)


def test_missing_images_and_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nothing"):
        read_image(tmp_path / "nothing.png")
    with pytest.raises(InputError, match="cannot be read"):
        read_image(tmp_path)


def test_an_image_is_looked_for_beside_its_prompt_file_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    (tmp_path / "set").mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    prompts = tmp_path / "set" / "prompts.txt"
    with pytest.raises(MissingFileError, match=r"'a\.png', which is not at .*set.* nor at .*here"):
        locate_image("a.png", prompts)
    (here / "a.png").touch()
    assert locate_image("a.png", prompts).resolve() == here / "a.png"
    (tmp_path / "set" / "a.png").touch()
    assert locate_image("a.png", prompts) == tmp_path / "set" / "a.png"


def test_fitting_cuts_the_sides_equally_and_stretches_nothing() -> None:
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, 30:70] = 255  # the centred 40×40 part
    np.testing.assert_array_equal(np.asarray(fit_image(Image.fromarray(wide), 40, 40)), 255)
    tall = np.asarray(fit_image(Image.fromarray(wide.transpose(1, 0, 2)), 20, 20))
    # The resampling kernel sees a little of what was cut, at both edges alike.
    np.testing.assert_allclose(tall[2:-2], 255, atol=1)
    np.testing.assert_array_equal(tall, tall[::-1])


def test_an_image_of_the_size_asked_for_is_unchanged() -> None:
    np.testing.assert_array_equal(np.asarray(fit_image(Image.fromarray(PIXELS), 9, 6)), PIXELS)


@pytest.mark.parametrize("size", [(0, 4), (4, -1)])
def test_a_size_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="at least 1"):
        fit_image(Image.fromarray(PIXELS), *size)
