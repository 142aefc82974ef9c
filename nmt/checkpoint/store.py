"""Checkpoints: a model and its training state in safetensors and JSON, written atomically."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as as_bytes
from torch import Tensor, nn

from nmt.checkpoint.state import ADVICE, FORMAT, STATE, another_version, read_state
from nmt.errors import CheckpointError, printable
from nmt.files import replacing_folder, write_json

MODEL, TRAINING = "model.safetensors", "training.safetensors"
LARGEST_HEADER = 2**24  # bytes: enough for the names and offsets of 100,000 tensors
LARGEST_STATE, COPIES = 2**26, 4  # bytes of a training state, besides copies of all parameters
TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


class _TensorInfo(NamedTuple):
    """The shape and type that a file declares for a tensor."""

    shape: tuple[int, ...]
    dtype: torch.dtype | None
    """None for a type that nmt does not write."""


def save(
    folder: Path, model: nn.Module, training: Mapping[str, Tensor], state: Mapping[str, Any]
) -> None:
    """Write `folder`, which appears by a single rename once it is complete."""
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
        CheckpointError: the file is missing, cut short, not nmt's, or of another model.
    """
    refuse_another(folder, model)
    path = folder / MODEL
    tensors = _read(path)
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(
                f"{path}: {name} has values that are not finite: the training diverged, or the "
                f"file is damaged; {ADVICE}"
            )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[name])


def refuse_another(folder: Path, model: nn.Module) -> None:
    """Compare the tensors that a checkpoint declares with those of `model`, reading no values.

    Raises:
        CheckpointError: the file is missing, cut short, not nmt's, or of another model.
    """
    path = folder / MODEL
    with _opened(path) as file:
        saved = {name: _info(file.get_slice(name)) for name in file.keys()}  # noqa: SIM118  # no iterable
    parameters = dict(model.named_parameters())
    other = f"{path} holds another model than the config describes"
    if saved.keys() != parameters.keys():
        unmatched = sorted(saved.keys() ^ parameters.keys())
        raise CheckpointError(
            f"{other}: {printable(', '.join(unmatched[:3]))} "
            f"{'is' if len(unmatched) == 1 else 'are'} in only one of them"
        )
    for name, parameter in parameters.items():
        if saved[name].shape != tuple(parameter.shape):
            raise CheckpointError(
                f"{other}: {name} is {saved[name].shape}, not {tuple(parameter.shape)}"
            )
    for name, parameter in parameters.items():
        if saved[name].dtype != parameter.dtype:
            raise CheckpointError(f"{other}: {name} is {saved[name].dtype}, not {parameter.dtype}")


def load_training(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The training tensors and the state of a checkpoint.

    Raises:
        CheckpointError: a file is missing, cut short or not nmt's.
    """
    state = read_state(folder)  # the smaller file first: it shows whether this is a checkpoint
    path = folder / TRAINING
    with suppress(OSError):  # a missing file is reported below
        size, parameters = path.stat().st_size, (folder / MODEL).stat().st_size
        if size > LARGEST_STATE + COPIES * parameters:
            raise CheckpointError(
                f"{path} is not the training state of this model: {size:,} bytes, where "
                f"{MODEL} has {parameters:,}; {ADVICE}"
            )
    return _read(path), state


def _info(slice: Any) -> _TensorInfo:
    return _TensorInfo(tuple(slice.get_shape()), TYPES.get(slice.get_dtype()))


def _read(path: Path) -> dict[str, Tensor]:
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no iterable


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A file of tensors, open for reading.

    Raises:
        CheckpointError: it is missing, cut short, not nmt's, or of another version.
    """
    try:
        _refuse_unsafe(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise CheckpointError(another_version(path))
            yield file
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: the checkpoint is not complete") from None
    except RuntimeError as error:  # from torch, which maps the file into memory
        if "unable to open file" not in str(error):
            raise
        raise CheckpointError(f"{path} cannot be read: {str(error).rpartition(': ')[2]}") from None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        reason = printable(" ".join(str(error).split()), most=100)
        raise CheckpointError(
            f"{path} is not a safetensors file, or was cut short ({reason}); {ADVICE}"
        ) from None


def _refuse_unsafe(path: Path) -> None:
    """Raise OSError for what is not an ordinary file, ValueError for an oversized header."""
    if path.exists() and not path.is_file():
        raise OSError("not an ordinary file")  # reading a pipe might never end
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > LARGEST_HEADER:
        raise ValueError(f"a header of {header:,} bytes")
