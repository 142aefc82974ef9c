"""What is said of a command line that cannot be read: one line, and where the help is."""

from typing import Any

import typer

DASH = "a text that starts with '-' goes after --: {command} -- TEXT"
OPTION, COMMAND = "No such option:", "No such command"


def asked_nothing(error: typer.TyperException) -> bool:
    """Whether a command was called bare whose answer to that is its help."""
    return type(error).__name__ == "NoArgsIsHelpError"


def complaint(error: typer.TyperException) -> str:
    """One line: what is wrong, what was perhaps meant, and which help tells more."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None:
        return _begun(message)
    command = context.command_path
    hints = [_begun(message)]
    if option := getattr(error, "option_name", None):
        near = getattr(error, "possibilities", None)
        if message.startswith(OPTION):
            message = f"no such option: {option}"
            hints = [f"{message}; did you mean {' or '.join(sorted(near))}?" if near else message]
            if _takes_text(context) and (not near or " " in option):
                hints.append(DASH.format(command=command))
    elif "Did you mean" in message:
        hints = [_begun(message).replace(". Did you mean", "; did you mean")]
    elif message.startswith(COMMAND):
        hints.append("there are: " + ", ".join(context.command.commands))
    return "; ".join(hints) + f" (see {command} --help)"


def _takes_text(context: Any) -> bool:
    return any(parameter.name == "text" for parameter in context.command.params)


def _begun(message: str) -> str:
    """As a message begins that stands after the name of the program."""
    return message[:1].lower() + message[1:]
