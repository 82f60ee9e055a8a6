"""Keeps what the model libraries print while they load and save out of the way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Silence the libraries' warnings, which our errors repeat in one line, and off terminals their progress bars."""
    from diffusers.utils import logging as diffusers_logging
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from transformers.utils import logging as transformers_logging

    bars: tuple[Any, ...] = (diffusers_logging, transformers_logging)
    loggers: tuple[Any, ...] = (*bars, hub_logging)
    verbosity = [library.get_verbosity() for library in loggers]
    shown = [library for library in bars if library.is_progress_bar_enabled()]
    hub_shown = not are_progress_bars_disabled()
    for library in loggers:
        library.set_verbosity_error()
    if not sys.stderr.isatty():
        for library in bars:
            library.disable_progress_bar()
        disable_progress_bars()
    try:
        yield
    finally:
        for library, level in zip(loggers, verbosity, strict=True):
            library.set_verbosity(level)
        for library in shown:
            library.enable_progress_bar()
        if hub_shown:
            enable_progress_bars()
