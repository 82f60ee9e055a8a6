"""The dashboard's server: where its pages are, who may look, which files a browser can ask for."""

from dymos_probe.serving.server import prepare

__all__ = ["prepare"]
