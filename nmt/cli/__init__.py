"""The `nmt` command: one file a command, nothing heavy imported before a command needs it."""

from nmt.cli.app import main

__all__ = ["main"]
