"""The engine of every checkpoint: torch, on a CPU or GPU, in float32 or bfloat16."""

from copy import copy, deepcopy
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from nmt.data.tokenizers.base import PAD
from nmt.decoding.engine import FIRST_CANDIDATE, Candidates, Engine, Session
from nmt.decoding.shortlist import Selection, Shortlist
from nmt.models.cells import Stack
from nmt.models.contract import Seq2Seq
from nmt.models.devices import Compute, to_device
from nmt.models.packed import PackedLinear, PackedWeight


class TorchEngine(Engine):
    """Decodes with a copy of the model, cast once, so that the original can go on training."""

    name = "torch"

    def __init__(
        self, model: Seq2Seq, compute: Compute, shortlist: Shortlist | None = None
    ) -> None:
        self.attends_from, self.shortlist = model.attends_from, shortlist
        self.compute = compute
        self.model = deepcopy(model).to(compute.device).eval()
        if compute.bfloat16:
            vocabulary = _Float32Linear(self.model.vocabulary)
            self.model.to(torch.bfloat16)
            self.model.vocabulary = vocabulary
        if compute.device.type == "cpu":
            pack(self.model)

    def open(self, source: np.ndarray, *, most: int) -> Session:
        (here,) = to_device([source], self.compute.device)
        if self.shortlist is None:
            return _Session(self.model, here, most)
        return _ShortSession(self.model, here, most, self.shortlist.select(source))

    def __str__(self) -> str:
        numbers = "bfloat16" if self.compute.bfloat16 else "float32"
        short = f", shortlist of {self.shortlist.size}" if self.shortlist else ""
        return f"torch on {self.compute.device}, {numbers}{short}"


class _Float32Linear(nn.Linear):
    """The last layer in float32: in bfloat16 the best words would often have equal scores."""

    def __init__(self, original: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = original.in_features, original.out_features
        self.weight, self.bias = deepcopy(original.weight), deepcopy(original.bias)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.float())


def pack(model: nn.Module) -> None:
    """Lay the weights of a model out for the small products of a search; they must not change."""
    for module in list(model.modules()):
        if isinstance(module, Stack):
            module.pack()
        for name, child in module.named_children():
            if type(child) in (nn.Linear, _Float32Linear):
                setattr(module, name, PackedLinear(cast("nn.Linear", child)))


class _Session(Session):
    @torch.inference_mode()
    def __init__(self, model: Seq2Seq, source: Tensor, most: int) -> None:
        self.model, self.most, self.device = model, most, source.device
        self.memory = model.encode(source, source != PAD)
        self.state = model.start(self.memory)
        self.weights: list[Tensor] = []

    @torch.inference_mode()
    def step(
        self, previous: np.ndarray, parents: np.ndarray | None, sentences: np.ndarray | None
    ) -> Candidates:
        given = {"previous": previous, "parents": parents, "sentences": sentences}
        arrays = {name: array for name, array in given.items() if array is not None}
        here = dict(zip(arrays, to_device([*arrays.values()], self.device), strict=True))
        if "sentences" in here:
            self.memory = self.memory.select(here["sentences"])
        if "parents" in here:
            self.state = self.state.select(here["parents"])
        step = self.model.step(here["previous"], self.state, self.memory)
        self.state = step.state
        self.weights.append(step.attention)
        scores, tokens = _likeliest(step.logits, self.most)
        both = torch.stack([scores.view(torch.int32), tokens.int()]).cpu().numpy()  # one transfer
        return Candidates(both[1].astype(np.int64), both[0].view(np.float32))

    @torch.inference_mode()
    def attention(self, steps: np.ndarray, rows: np.ndarray) -> np.ndarray:
        starts = np.cumsum([0, *map(len, self.weights)])
        (index,) = to_device([starts[steps] + rows], self.device)
        return torch.cat(self.weights).index_select(0, index).float().cpu().numpy()


class _ShortSession(_Session):
    """A session whose output layer computes the candidates of a shortlist only."""

    @torch.inference_mode()
    def __init__(self, model: Seq2Seq, source: Tensor, most: int, selection: Selection) -> None:
        self.ids = selection.ids
        self.layer = _ShortLinear(model.vocabulary, selection)
        short = copy(model)  # which shares all parameters
        short._modules = {**model._modules, "vocabulary": self.layer}
        super().__init__(short, source, most)

    @torch.inference_mode()
    def step(
        self, previous: np.ndarray, parents: np.ndarray | None, sentences: np.ndarray | None
    ) -> Candidates:
        if sentences is not None:
            self.layer.keep(*to_device([sentences], self.device))
        places, scores = super().step(previous, parents, sentences)
        return Candidates(self.ids[places], scores)


class _ShortLinear(nn.Module):
    """The rows of an output layer that are candidates of a batch; -inf for other sentences' own."""

    def __init__(self, whole: nn.Linear, selection: Selection) -> None:
        super().__init__()
        device = whole.weight.device
        (rows,) = to_device([selection.ids], device)
        self.weight, self.bias = PackedWeight(whole.weight[rows]), whole.bias[rows]
        self.others = torch.from_numpy(selection.others).to(device)  # (sentences, candidates)

    def keep(self, sentences: Tensor) -> None:
        """Drop all other sentences."""
        self.others = self.others.index_select(0, sentences)

    def forward(self, readouts: Tensor) -> Tensor:
        """(rows, readout) -> (rows, candidates); a sentence may have several adjacent rows"""
        logits = self.weight(readouts.to(self.bias.dtype), self.bias)
        by_sentence = logits.unflatten(0, (len(self.others), -1))
        by_sentence.masked_fill_(self.others[:, None], -torch.inf)
        return logits


def _likeliest(logits: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Log-probabilities and ids of the best words of each row: (rows, vocab) -> (rows, most)"""
    logs = logits.log_softmax(dim=-1, dtype=torch.float32)[:, FIRST_CANDIDATE:]
    if most == 1:
        best, tokens = logs.max(dim=-1, keepdim=True)
    else:
        best, tokens = logs.topk(min(most, logs.size(1)), dim=-1)
    return best, tokens + FIRST_CANDIDATE
