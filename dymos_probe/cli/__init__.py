"""The command line, one command a file; heavy imports happen inside the command that needs them."""

from dymos_probe.cli.app import main

__all__ = ["main"]
