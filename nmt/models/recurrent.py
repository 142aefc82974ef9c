"""The recurrent encoder-decoder with attention: embeddings, encoder, decoder, vocabulary."""

import torch
from torch import Tensor, nn

from nmt.config import ModelConfig
from nmt.data.vocabulary import PAD, Vocabularies
from nmt.models.contract import Memory, Reading, Seq2Seq, Step
from nmt.models.decoders import Decoder, DecoderState, decoders
from nmt.models.dropout import Dropout
from nmt.models.encoder import BidirectionalEncoder


class Recurrent(Seq2Seq[DecoderState]):
    """A bidirectional encoder below one of the registered decoders."""

    def __init__(self, config: ModelConfig, vocabularies: Vocabularies) -> None:
        super().__init__()
        size = config.embedding_size
        self.source_embedding = _embedding(vocabularies.source, size)
        self.target_embedding = _embedding(vocabularies.target, size)
        if config.tie_embeddings == "all":
            self.target_embedding = self.source_embedding
        self.dropout = Dropout(config.dropout)
        self.encoder = BidirectionalEncoder(config.encoder, inputs=size, dropout=config.dropout)
        self.decoder: Decoder = decoders[config.decoder.kind](
            config.decoder,
            config.attention,
            inputs=size,
            memory=self.encoder.memory,
            dropout=config.dropout,
        )
        self.attends_from, self.reads_by = self.decoder.attends_from, self.decoder.reads_by
        self.narrow = nn.Linear(self.decoder.hidden, size, bias=False)
        self.vocabulary = nn.Linear(size, vocabularies.target)
        if config.tie_embeddings != "none":
            self.vocabulary.weight = self.target_embedding.weight
        nn.init.zeros_(self.vocabulary.bias)

    def encode(self, source: Tensor, mask: Tensor) -> Memory:
        embedded = self.dropout(self.source_embedding(source))
        states, summary = self.encoder(embedded, mask)
        states = self.dropout(states)
        return Memory(states, self.decoder.attention.project(states), mask, summary)

    def start(self, memory: Memory) -> DecoderState:
        return self.decoder.start(memory)

    def step(self, previous: Tensor, state: DecoderState, memory: Memory) -> Step[DecoderState]:
        readout, state, attention = self._advance(previous, state, memory)
        return Step(self.vocabulary(readout), state, attention)

    def forward(
        self, source: Tensor, mask: Tensor, target_in: Tensor, forced: Tensor | None = None
    ) -> Reading:
        memory = self.encode(source, mask)
        if forced is not None:
            return self._partly_forced(memory, target_in, forced)
        embedded = self.dropout(self.target_embedding(target_in))
        readouts, attention = self.decoder(embedded, memory)
        return Reading(self._narrowed(readouts), attention)

    def _advance(
        self, previous: Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Tensor, DecoderState, Tensor]:
        embedded = self.dropout(self.target_embedding(previous))
        readout, state, attention = self.decoder.advance(embedded, state, memory)
        return self._narrowed(readout), state, attention

    def _narrowed(self, readouts: Tensor) -> Tensor:
        """To the width of the embeddings, whose matrix may be the vocabulary's too."""
        return self.dropout(self.narrow(readouts))

    def _partly_forced(self, memory: Memory, target_in: Tensor, forced: Tensor) -> Reading:
        """Position by position, since the model's own choices are known only then."""
        state, previous = self.start(memory), target_in[:, 0]
        readouts: list[Tensor] = []
        attentions: list[Tensor] = []
        for position in range(target_in.size(1)):
            if position:
                with torch.no_grad():
                    chosen = self.vocabulary(readouts[-1]).argmax(dim=-1)
                previous = torch.where(forced[:, position], target_in[:, position], chosen)
            readout, state, attention = self._advance(previous, state, memory)
            readouts.append(readout)
            attentions.append(attention)
        return Reading(torch.stack(readouts, dim=1), torch.stack(attentions, dim=1))


def _embedding(count: int, size: int) -> nn.Embedding:
    embedding = nn.Embedding(count, size, padding_idx=PAD)
    nn.init.normal_(embedding.weight, std=size**-0.5)
    nn.init.zeros_(embedding.weight[PAD])
    return embedding
