"""Messages for command lines that typer rejects: one line, which also names the help."""

from typing import Any

import typer

DASH = "a text that starts with '-' goes after --: {command} -- TEXT"
OPTION, COMMAND = "No such option:", "No such command"


def is_bare_command(error: typer.TyperException) -> bool:
    """Whether a command that answers an empty command line with its help was called so."""
    return type(error).__name__ == "NoArgsIsHelpError"


def complaint(error: typer.TyperException) -> str:
    """One line: what is wrong, what was probably meant, and which help says more."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None:
        return _uncapitalised(message)
    command = context.command_path
    hints = [_uncapitalised(message)]
    if option := getattr(error, "option_name", None):
        near = getattr(error, "possibilities", None)
        if message.startswith(OPTION):
            message = f"no such option: {option}"
            hints = [f"{message}; did you mean {' or '.join(sorted(near))}?" if near else message]
            if _takes_text(context) and (not near or " " in option):
                hints.append(DASH.format(command=command))
    elif "Did you mean" in message:
        hints = [_uncapitalised(message).replace(". Did you mean", "; did you mean")]
    elif message.startswith(COMMAND):
        hints.append("the commands are: " + ", ".join(context.command.commands))
    return "; ".join(hints) + f" (see {command} --help)"


def _takes_text(context: Any) -> bool:
    return any(parameter.name == "text" for parameter in context.command.params)


def _uncapitalised(message: str) -> str:
    """The message in lower case at its start, as it follows the name of the program."""
    return message[:1].lower() + message[1:]
