"""What the next update depends on besides the parameters, saved as named tensors and restored.

A file may be damaged or made up: each tensor is checked before it is used.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nmt.errors import CheckpointError

SLOTS = ("step", "exp_avg", "exp_avg_sq")  # of Adam, for each parameter
UNTOUCHED = "optimizer.untouched"


def take_tensor(
    tensors: Mapping[str, Tensor], name: str, shape: tuple[int, ...], dtype: torch.dtype
) -> Tensor:
    """One tensor of a state.

    Raises:
        CheckpointError: it is missing, or of another shape or type.
    """
    if name not in tensors:
        raise CheckpointError(f"the training state lacks '{name}': it is incomplete")
    tensor = tensors[name]
    if tuple(tensor.shape) != shape or tensor.dtype != dtype:
        raise CheckpointError(
            f"'{name}' in the training state is {_described(tensor.shape, tensor.dtype)}, not "
            f"{_described(shape, dtype)}: it was damaged, or belongs to another model"
        )
    return tensor


def _described(shape: tuple[int, ...], dtype: torch.dtype) -> str:
    return f"{str(dtype).removeprefix('torch.')} {list(shape)}"


def optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimizer remembers of each parameter: nothing of one that never had a gradient.

    The numbers of these are kept, too, so that no other may be missing.
    """
    tensors: dict[str, Tensor] = {}
    untouched: list[int] = []
    for number, (name, parameter) in enumerate(_learning(model)):
        slots = optimizer.state.get(parameter, {})
        tensors |= {f"optimizer.{slot}.{name}": value for slot, value in slots.items()}
        if not slots:
            untouched.append(number)
    if tensors and untouched:
        tensors[UNTOUCHED] = torch.tensor(untouched)
    return tensors


def restore_optimizer(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], *, steps: int
) -> None:
    """Let an optimizer remember what `optimizer_state` gave, after `steps` updates.

    Raises:
        CheckpointError: what it has to remember of a parameter is missing, or of another size.
    """
    untouched: set[int] = set()
    if UNTOUCHED in tensors:
        count = tensors[UNTOUCHED].numel()
        untouched = set(take_tensor(tensors, UNTOUCHED, (count,), torch.int64).tolist())
    optimizer.state.clear()
    for number, (name, parameter) in enumerate(_learning(model)):
        names = {slot: f"optimizer.{slot}.{name}" for slot in SLOTS}
        there = any(stored in tensors for stored in names.values())
        if not there and (steps == 0 or number in untouched):
            continue
        optimizer.state[parameter] = {
            slot: _slot(tensors, stored, slot, parameter) for slot, stored in names.items()
        }


def _slot(tensors: Mapping[str, Tensor], name: str, slot: str, parameter: Tensor) -> Tensor:
    if slot == "step":
        return take_tensor(tensors, name, (), torch.float32).to(parameter.device)
    return take_tensor(tensors, name, tuple(parameter.shape), parameter.dtype).to(parameter.device)


def _learning(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """All parameters but frozen word vectors."""
    return [(name, each) for name, each in model.named_parameters() if each.requires_grad]


def random_states(device: torch.device) -> dict[str, Tensor]:
    """The states of the random generators that a training on this device draws from.

    That of a CUDA device, a seed and a count, is kept by the program: to read it waits for nothing.
    """
    states = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["random.cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        states["random.mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Continue drawing from where `random_states` was called.

    Raises:
        CheckpointError: the processor's state is missing, or one is not a state at all.
    """
    name = "random.cpu"
    if name not in states:
        raise CheckpointError(f"the training state lacks '{name}': it is incomplete")
    try:
        torch.set_rng_state(states[name])
        if device.type == "cuda" and "random.cuda" in states:
            name = "random.cuda"
            torch.cuda.set_rng_state(states[name], device)
        if device.type == "mps" and "random.mps" in states:
            name = "random.mps"
            torch.mps.set_rng_state(states[name])
    except (RuntimeError, TypeError, ValueError):
        raise CheckpointError(
            f"'{name}' in the training state is not a state of a random generator: it was damaged"
        ) from None
