"""Checkpoints: a model and its training state in safetensors and JSON, whole or absent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as as_bytes
from torch import Tensor, nn

from nmt.checkpoint.state import ADVICE, FORMAT, STATE, read_state
from nmt.errors import CheckpointError, printable
from nmt.files import replacing_folder, write_json

MODEL, TRAINING = "model.safetensors", "training.safetensors"


def save(
    folder: Path, model: nn.Module, training: Mapping[str, Tensor], state: Mapping[str, Any]
) -> None:
    """Write `folder`; it appears by one rename, with all that it should hold."""
    # named_parameters yields a shared matrix once, which safetensors insists on
    parameters = {name: p.detach().contiguous().cpu() for name, p in model.named_parameters()}
    files = {MODEL: parameters, TRAINING: {n: t.contiguous().cpu() for n, t in training.items()}}
    with replacing_folder(folder) as draft:
        for name, tensors in files.items():
            (draft / name).write_bytes(as_bytes(tensors, metadata={"format": FORMAT}))
        write_json(draft / STATE, {"format": FORMAT, **state})


def load_model(folder: Path, model: nn.Module) -> None:
    """Put the parameters of a checkpoint into `model`.

    Raises:
        CheckpointError: the file is missing, cut short, foreign, or of another model.
    """
    path = folder / MODEL
    tensors = _read(path)
    wanted = dict(model.named_parameters())
    if tensors.keys() != wanted.keys():
        odd = sorted(tensors.keys() ^ wanted.keys())
        named = printable(", ".join(odd[:3]))
        raise CheckpointError(
            f"{path} holds another model than the config describes: {named} "
            f"{'is' if len(odd) == 1 else 'are'} on one side only"
        )
    for attribute in ("shape", "dtype"):
        for name, parameter in wanted.items():
            is_so, should = (getattr(t, attribute) for t in (tensors[name], parameter))
            if is_so != should:
                raise CheckpointError(
                    f"{path} holds another model than the config describes: {name} is "
                    f"{_shown(is_so)}, not {_shown(should)}"
                )
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(
                f"{path}: {name} has values that are not finite: the training diverged, or the "
                f"file is damaged; {ADVICE}"
            )
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(tensors[name])


def _shown(attribute: torch.Size | torch.dtype) -> str:
    return str(tuple(attribute) if isinstance(attribute, torch.Size) else attribute)


def load_training(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The training tensors and the state of a checkpoint.

    Raises:
        CheckpointError: a file is missing, cut short or foreign.
    """
    state = read_state(folder)  # the smaller one first: it tells what is no checkpoint
    return _read(folder / TRAINING), state


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.exists() and not path.is_file():
            raise OSError("not an ordinary file")  # a pipe would never end
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise CheckpointError(f"{path} was not written by this version of nmt ({FORMAT})")
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: the checkpoint is not complete") from None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        reason = printable(" ".join(str(error).split()), most=100)
        raise CheckpointError(
            f"{path} is not a safetensors file, or was cut short ({reason}); {ADVICE}"
        ) from None
