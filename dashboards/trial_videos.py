"""The reference image and the three videos of a trial, side by side and in step."""

from __future__ import annotations

import streamlit as st

from dymos_probe.preference import POSITIONS
from dymos_probe.serving.preference import trial_image_url, trial_video_url

_HTML = """
<section class="trial" role="group" aria-label="Reference image and videos">
  <div class="grid"></div>
  <div class="bar">
    <button type="button" class="toggle">Pause</button>
    <button type="button" class="again">From the start</button>
  </div>
</section>
"""

_CSS = """
.trial { color: var(--st-text-color); font-family: var(--st-font); container-type: inline-size; }
.grid { display: grid; gap: 0.75rem; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
figure { margin: 0; min-width: 0; }
figcaption { margin-top: 0.25rem; font-weight: 600; }
img, video {
  display: block; width: 100%; border-radius: var(--st-base-radius);
  background: var(--st-secondary-background-color);
}
.small img, .small video { image-rendering: pixelated; }
.bar { display: flex; gap: 0.5rem; margin-top: 0.75rem; }
button {
  min-height: 2.5rem; padding: 0 1rem; font: inherit; color: inherit; cursor: pointer;
  background: var(--st-background-color); border: 1px solid var(--st-border-color);
  border-radius: var(--st-button-radius, var(--st-base-radius));
}
button:hover { border-color: var(--st-primary-color); }
:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""

_JS = """
// Videos in step: the first is the clock, another that drifts from it is set back to it.
const DRIFT = 0.06 // seconds
const SMALL = 150 // pixels: a video no larger is enlarged without smoothing

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".trial")
  const wanted = JSON.stringify(data.cells)
  if (root.dataset.shown !== wanted) {
    root.dataset.shown = wanted
    show(root, data.cells)
  }
  return () => clearInterval(root.timer)
}

function show(root, cells) {
  const grid = root.querySelector(".grid")
  grid.replaceChildren(...cells.map(figure))
  const videos = [...grid.querySelectorAll("video")]
  const [clock, ...others] = videos
  const toggle = root.querySelector(".toggle")
  const paint = () => (toggle.textContent = clock.paused ? "Play" : "Pause")
  const play = () => Promise.allSettled(videos.map((video) => video.play())).then(paint)
  const keep = () => {
    for (const video of others) {
      if (Math.abs(video.currentTime - clock.currentTime) > DRIFT) video.currentTime = clock.currentTime
    }
  }
  toggle.onclick = () => {
    if (clock.paused) return play()
    for (const video of videos) video.pause()
    keep()
    paint()
  }
  root.querySelector(".again").onclick = () => {
    for (const video of videos) video.currentTime = 0
    play()
  }
  clearInterval(root.timer)
  root.timer = setInterval(keep, 250)
  const loaded = videos.map((video) => new Promise((resolve) => (video.oncanplaythrough = resolve)))
  Promise.all(loaded).then(() => {
    for (const video of videos) video.oncanplaythrough = null
    grid.classList.toggle("small", Math.max(clock.videoWidth, clock.videoHeight) <= SMALL)
    play()
  })
}

function figure({ kind, label, src }) {
  const figure = document.createElement("figure")
  const media = document.createElement(kind === "image" ? "img" : "video")
  const caption = document.createElement("figcaption")
  caption.textContent = label
  if (kind === "image") media.alt = label
  else {
    Object.assign(media, { muted: true, loop: true, playsInline: true, preload: "auto" })
    media.setAttribute("aria-label", label)
  }
  media.src = src
  figure.append(media, caption)
  return figure
}
"""

_component = st.components.v2.component("trial_videos", html=_HTML, css=_CSS, js=_JS)


def trial_videos(survey: str, trial: str) -> None:
    """Show what a trial compares; nothing that is sent says which video is which."""
    image = {"kind": "image", "label": "Reference image", "src": trial_image_url(survey, trial)}
    videos = [
        {"kind": "video", "label": f"Video {position}", "src": trial_video_url(survey, trial, position)}
        for position in POSITIONS
    ]
    _component(data={"cells": [image, *videos]}, key="trial videos")
