"""From a model's config to the model."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nmt.config import ModelConfig
from nmt.data.tokenizers.base import Vocabularies
from nmt.errors import ConfigError
from nmt.models.contract import Seq2Seq
from nmt.models.devices import out_of_memory
from nmt.models.encoder_decoder import EncoderDecoder


def build_model(config: ModelConfig, vocabularies: Vocabularies) -> Seq2Seq:
    """A model with fresh parameters, drawn from torch's global generator.

    Raises:
        ConfigError: the parts do not fit together, one has an unknown name, or the model does
            not fit into memory.
    """
    with fitting():
        return EncoderDecoder(config, vocabularies)


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Modules built in the block have shapes, but no memory and no values."""
    with torch.device("meta"), Undrawn():
        yield


class Undrawn(TorchFunctionMode):
    """Modules built in the block keep the values that their memory happens to have.

    On "meta" torch would import its compiler to draw parameters (0.8 s).
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if getattr(func, "__module__", None) == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


@contextmanager
def fitting() -> Iterator[None]:
    """Report a model that is too large for this machine, or any, in one line.

    Raises:
        ConfigError: what is built in the block does not fit into memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise ConfigError(
            "a model of these sizes does not fit into this machine's memory: lower "
            "model.embedding_size, the sizes of encoder, decoder or attention, or max_positions"
        ) from None


def parameter_table(model: nn.Module) -> list[tuple[str, int]]:
    """Parameters per module, shared ones counted where they first occur.

    >>> parameter_table(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)))
    [('0', 9), ('1', 4)]
    """
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():  # yields a shared parameter once
        module = name.partition(".")[0]
        counts[module] = counts.get(module, 0) + parameter.numel()
    return list(counts.items())
