"""The plain reference: Luong's model as the tutorials write it, to measure against.

Eager float32; the whole step inside the loop over target positions, logits and all; batches of
random sentences, padded to the longest. It computes the same function as nmt's model of the same
sizes (general score, input feeding), and takes none of its short cuts.
"""

import torch
from torch import Tensor, nn

PAD = 0


class PlainLuong(nn.Module):
    """Bidirectional LSTM encoder, LSTM decoder, general score, input feeding."""

    def __init__(self, vocab: int, embedding: int, size: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab, embedding, padding_idx=PAD)
        self.encoder = nn.LSTM(embedding, size, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(2 * size, 2 * hidden)
        self.cell = nn.LSTMCell(embedding + hidden, hidden)
        self.score = nn.Linear(2 * size, hidden, bias=False)
        self.combine = nn.Linear(2 * size + hidden, hidden, bias=False)
        self.narrow = nn.Linear(hidden, embedding, bias=False)
        self.vocabulary = nn.Linear(embedding, vocab)
        self.vocabulary.weight = self.embedding.weight
        self.dropout = nn.Dropout(0.2)

    def forward(self, source: Tensor, target_in: Tensor) -> Tensor:
        lengths = (source != PAD).sum(dim=1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.embedding(source)), lengths, batch_first=True, enforce_sorted=False
        )
        packed_states, (last, _) = self.encoder(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(packed_states, batch_first=True)
        states = self.dropout(states)
        hidden, cell = self.bridge(torch.cat([last[0], last[1]], dim=-1)).tanh().chunk(2, dim=-1)
        feed = torch.zeros_like(hidden)
        logits = []
        for previous in target_in.unbind(dim=1):
            word = self.dropout(self.embedding(previous))
            hidden, cell = self.cell(torch.cat([word, feed], dim=-1), (hidden, cell))
            scores = torch.bmm(self.score(states), hidden.unsqueeze(-1)).squeeze(-1)
            weights = scores.masked_fill(source == PAD, -torch.inf).softmax(dim=-1)
            context = torch.bmm(weights.unsqueeze(1), states).squeeze(1)
            feed = torch.tanh(self.combine(torch.cat([context, hidden], dim=-1)))
            logits.append(self.vocabulary(self.dropout(self.narrow(feed))))
        return torch.stack(logits, dim=1)


class PlainTrainer:
    """One update as the tutorials write it."""

    def __init__(self, model: PlainLuong, smoothing: float) -> None:
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
