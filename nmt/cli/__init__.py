"""The `nmt` command: one file per command; heavy imports wait until a command needs them."""

from typing import NoReturn


def main() -> NoReturn:
    """Run a command. A failure that the user can fix prints one line and sets the exit status."""
    from nmt.cli.app import main as run

    run()


__all__ = ["main"]
