"""The plain references: attention models written as tutorials write them, to compare speed with.

Eager float32; the whole step, including the logits, inside the loop over target positions; batches
of random sentences, padded to the longest. They compute the same functions as nmt's models of the
same sizes, without any of its optimisations.
"""

import torch
from torch import Tensor, nn

from nmt.config import ModelConfig

PAD = 0


class Plain(nn.Module):
    """Bidirectional LSTM encoder, LSTM decoder, tied embeddings."""

    def __init__(self, config: ModelConfig, vocab: int, *, feed: int, read: int) -> None:
        super().__init__()
        embedding, size, self.hidden = (
            config.embedding_size,
            config.encoder.size,
            config.decoder.size,
        )
        self.embedding = nn.Embedding(vocab, embedding, padding_idx=PAD)
        self.encoder = nn.LSTM(embedding, size, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(2 * size, 2 * self.hidden)
        self.cell = nn.LSTMCell(embedding + feed, self.hidden)
        self.combine = nn.Linear(read, self.hidden, bias=False)
        self.narrow = nn.Linear(self.hidden, embedding, bias=False)
        self.vocabulary = nn.Linear(embedding, vocab)
        self.vocabulary.weight = self.embedding.weight
        self.dropout = nn.Dropout(config.dropout)

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The encoder's states, and the decoder's first state and cell."""
        lengths = (source != PAD).sum(dim=1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.embedding(source)), lengths, batch_first=True, enforce_sorted=False
        )
        packed_states, (last, _) = self.encoder(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(packed_states, batch_first=True)
        first = self.bridge(torch.cat([last[0], last[1]], dim=-1)).tanh()
        hidden, cell = first.chunk(2, dim=-1)
        return self.dropout(states), hidden, cell

    def logits(self, readout: Tensor) -> Tensor:
        return self.vocabulary(self.dropout(self.narrow(torch.tanh(self.combine(readout)))))


class PlainLuong(Plain):
    """Luong's decoder, general score, with or without input feeding."""

    def __init__(self, config: ModelConfig, vocab: int) -> None:
        size, memory = config.decoder.size, 2 * config.encoder.size
        self.feeding = config.decoder.input_feeding
        super().__init__(config, vocab, feed=size if self.feeding else 0, read=memory + size)
        self.score = nn.Linear(memory, size, bias=False)

    def forward(self, source: Tensor, target_in: Tensor) -> Tensor:
        states, hidden, cell = self.encode(source)
        feed = torch.zeros_like(hidden)
        logits = []
        for previous in target_in.unbind(dim=1):
            word = self.dropout(self.embedding(previous))
            read = torch.cat([word, feed], dim=-1) if self.feeding else word
            hidden, cell = self.cell(read, (hidden, cell))
            scores = torch.bmm(self.score(states), hidden.unsqueeze(-1)).squeeze(-1)
            weights = scores.masked_fill(source == PAD, -torch.inf).softmax(dim=-1)
            context = torch.bmm(weights.unsqueeze(1), states).squeeze(1)
            feed = torch.tanh(self.combine(torch.cat([context, hidden], dim=-1)))
            logits.append(self.vocabulary(self.dropout(self.narrow(feed))))
        return torch.stack(logits, dim=1)


class PlainBahdanau(Plain):
    """Bahdanau's decoder, additive score."""

    def __init__(self, config: ModelConfig, vocab: int) -> None:
        size, memory = config.decoder.size, 2 * config.encoder.size
        super().__init__(config, vocab, feed=memory, read=size + memory + config.embedding_size)
        width = config.attention.size or size
        self.W = nn.Linear(size, width, bias=False)
        self.U = nn.Linear(memory, width)
        self.v = nn.Linear(width, 1, bias=False)

    def forward(self, source: Tensor, target_in: Tensor) -> Tensor:
        states, hidden, cell = self.encode(source)
        logits = []
        for previous in target_in.unbind(dim=1):
            word = self.dropout(self.embedding(previous))
            scores = self.v(torch.tanh(self.W(hidden).unsqueeze(1) + self.U(states))).squeeze(-1)
            weights = scores.masked_fill(source == PAD, -torch.inf).softmax(dim=-1)
            context = torch.bmm(weights.unsqueeze(1), states).squeeze(1)
            hidden, cell = self.cell(torch.cat([word, context], dim=-1), (hidden, cell))
            logits.append(self.logits(torch.cat([hidden, context, word], dim=-1)))
        return torch.stack(logits, dim=1)


class PlainTrainer:
    """One update as tutorials write it."""

    def __init__(self, model: nn.Module, smoothing: float) -> None:
        self.model = model
        self.loss = nn.CrossEntropyLoss(ignore_index=PAD, label_smoothing=smoothing)
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=False, foreach=False)

    def step(self, source: Tensor, target_in: Tensor, target_out: Tensor) -> float:
        self.model.train()
        logits = self.model(source, target_in)
        loss = self.loss(logits.flatten(0, 1), target_out.flatten())
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()
