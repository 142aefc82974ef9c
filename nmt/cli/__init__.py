"""The `nmt` command: one file a command, nothing heavy imported before a command needs it."""

from typing import NoReturn


def main() -> NoReturn:
    """Run a command; a failure that the user can fix is one line, and its kind the exit status."""
    from nmt.cli.app import main as run

    run()


__all__ = ["main"]
