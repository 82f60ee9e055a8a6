"""The reference image of a generation: ready-made, uploaded, of a study, or none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import data
import streamlit as st
from generate_defaults import is_shipped
from plain import as_sentence

from dymos_probe.errors import ProbeError
from dymos_probe.jobs import Job, OfferedPair, UploadLimits
from dymos_probe.serving.files import image_of

READY = "The ready-made picture"
AGAIN = "The image of that generation"
UPLOAD = "Upload an image"
STUDY = "An image of a study"
FIRST = "The first frame of the T2V run"

_SUFFIXES = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff"]
_SHOWN = 144  # pixels; three times the side of the shipped pair's
_ready = (Path(__file__).parent / "ready.png").read_bytes


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the model is to start from."""

    content: bytes | None = None
    """An image file; None where the T2V run makes it, or there is none."""
    missing: str = ""
    """Why there is none, and what to do; empty where all is well."""
    prompt: str | None = None
    """What a study's sample was made from."""
    of: str = ""
    """Which sample that is."""

    @property
    def is_first_frame(self) -> bool:
        """Whether the T2V run makes it."""
        return self.content is None and not self.missing


def chosen_image(pair: OfferedPair, again: Job | None) -> Chosen:
    """Show the choice and return what is chosen."""
    ways = [UPLOAD, STUDY, FIRST]
    if is_shipped(pair):
        ways.insert(0, READY)
    if again is not None and again.files.reference.is_file():
        ways.insert(0, AGAIN)
    first = FIRST if again is not None and AGAIN not in ways else ways[0]
    # One widget for each list of ways: a choice that is not in it would be none.
    key = f"image {again.id if again is not None else ''} {'+'.join(ways)}"
    way = st.radio("Reference image", ways, index=ways.index(first), horizontal=True, key=key, persist_state="session")
    if way == FIRST:
        st.caption("The T2V model runs first, from the prompt alone; the first frame of its video is the image.")
        return Chosen()
    chosen = {READY: _of_package, AGAIN: lambda: _of_job(again), UPLOAD: _uploaded, STUDY: _of_study}[way]()
    if chosen.content is not None:
        st.image(chosen.content, width=_SHOWN, alt="The reference image")
        if not (way == READY and is_shipped(pair)):
            st.caption("What does not fit the shape of the video is cut off equally from both sides.")
    return chosen


def _of_package() -> Chosen:
    return Chosen(content=_ready())


def _of_job(job: Job | None) -> Chosen:
    if job is None or not job.files.reference.is_file():
        return Chosen(missing="That generation was forgotten; choose another image.")
    return Chosen(content=job.files.reference.read_bytes())


def _uploaded() -> Chosen:
    limits = UploadLimits()
    file = st.file_uploader(
        "Image file",
        type=_SUFFIXES,
        max_upload_size=limits.bytes // 2**20,
        key="upload",
        help=f"At most {limits.bytes // 2**20} MiB and {limits.pixels // 2**20} megapixels. Only its pixels are kept.",
    )
    if file is None:
        return Chosen(missing="Choose an image file first.")
    try:
        return Chosen(content=data.upload(file.getvalue()))
    except ProbeError as error:
        st.error("This file cannot be the reference image.", icon=":material/broken_image:")
        st.text(as_sentence(str(error)))
        return Chosen(missing="Choose another image file first.")


def _of_study() -> Chosen:
    entries = [entry for entry in data.studies() if not entry.broken and entry.samples]
    if not entries:
        st.info("There is no study with a sample in this folder yet.", icon=":material/info:")
        return Chosen(missing="Choose another image first.")
    left, right = st.columns(2)
    name = left.selectbox("Study of the image", [entry.name for entry in entries], key="image study")
    entry = next(entry for entry in entries if entry.name == name)
    ds = data.study(entry.name, data.stamp_of(entry))
    sample = right.selectbox("Its sample", [str(each) for each in ds["sample"].values], key=f"image sample {name}")
    run = ds.sel(sample=sample)
    path = image_of(data.folder(), entry.name, str(run["image"].item()))
    if path is None:
        st.warning("The image of this sample is missing.", icon=":material/broken_image:")
        return Chosen(missing="Choose another image first.")
    return Chosen(content=path.read_bytes(), prompt=str(run["prompt"].item()), of=f"{name} {sample}")
