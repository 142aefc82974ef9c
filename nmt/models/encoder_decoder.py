"""The encoder-decoder: embeddings, any encoder, any decoder, output layer."""

import torch
from torch import Tensor, nn

from nmt.config import ModelConfig
from nmt.data.tokenizers.base import EOS, PAD, Vocabularies
from nmt.models.contract import BatchState, DecoderOutput, Memory, Seq2Seq, Step
from nmt.models.decoders import Decoder, DecoderStep, decoders
from nmt.models.dropout import Dropout
from nmt.models.encoders import Encoder, encoders


class EncoderDecoder(Seq2Seq):
    """A registered encoder and a registered decoder."""

    def __init__(self, config: ModelConfig, vocabularies: Vocabularies) -> None:
        super().__init__()
        size = config.embedding_size
        self.source_embedding = _embedding(vocabularies.source, size)
        self.target_embedding = _embedding(vocabularies.target, size)
        if config.tie_embeddings == "all":
            self.target_embedding = self.source_embedding
        self.dropout = Dropout(config.dropout)
        self.encoder: Encoder = encoders[config.encoder.kind](config)
        self.decoder: Decoder = decoders[config.decoder.kind](config, memory=self.encoder.memory)
        self.attends_from, self.reads_by = self.decoder.attends_from, self.decoder.reads_by
        self.reads_own_by = self.decoder.reads_own_by
        self.narrow: nn.Module = nn.Identity()
        if not self.decoder.writes_embeddings:
            self.narrow = nn.Linear(self.decoder.hidden, size, bias=False)
        self.vocabulary = nn.Linear(size, vocabularies.target)
        if config.tie_embeddings != "none":
            self.vocabulary.weight = self.target_embedding.weight
        nn.init.zeros_(self.vocabulary.bias)

    def encode(self, source: Tensor, mask: Tensor) -> Memory:
        states, summary = self.encoder(self._embed_source(source), mask)
        states = self.dropout(states)
        keys, values = self.decoder.prepare(states, summary)
        return Memory(values, keys, mask, summary)

    def _embed_source(self, source: Tensor) -> Tensor:
        embedded = self.source_embedding(source)
        return embedded if self.encoder.drops_words else self.dropout(embedded)

    def _embed_target(self, target: Tensor) -> Tensor:
        embedded = self.target_embedding(target)
        return embedded if self.decoder.drops_words else self.dropout(embedded)

    def start(self, memory: Memory) -> BatchState:
        return self.decoder.start(memory)

    def step(self, previous: Tensor, state: BatchState, memory: Memory) -> Step:
        new = self._advance(previous, state, memory)
        return Step(self.vocabulary(new.readout), new.state, new.attention)

    def forward(
        self, source: Tensor, mask: Tensor, target_in: Tensor, forced: Tensor | None = None
    ) -> DecoderOutput:
        memory = self.encode(source, mask)
        if forced is not None:
            return self._partly_forced(memory, target_in, forced)
        output = self.decoder(self._embed_target(target_in), memory)
        return output._replace(readouts=self._narrowed(output.readouts))

    def maps(self, source: Tensor, mask: Tensor, target_in: Tensor) -> dict[str, Tensor]:
        encoder = self.encoder.maps(self._embed_source(source), mask)
        decoder = self.decoder.maps(self._embed_target(target_in), self.encode(source, mask))
        return {**encoder, **decoder}

    def _advance(self, previous: Tensor, state: BatchState, memory: Memory) -> DecoderStep:
        new = self.decoder.advance(self._embed_target(previous), state, memory)
        return new._replace(readout=self._narrowed(new.readout))

    def _narrowed(self, readouts: Tensor) -> Tensor:
        """To the width of the embeddings, whose matrix the output layer may share."""
        return self.dropout(self.narrow(readouts))

    def _partly_forced(self, memory: Memory, target_in: Tensor, forced: Tensor) -> DecoderOutput:
        own = _PartlyForced(self, target_in, forced)
        output = self.decoder.read_own(own, memory)
        return output._replace(readouts=own.dropped(self.narrow(output.readouts)))


class _PartlyForced:
    """A target that is the model's own choice where it is not forced.

    Dropout is drawn for the whole target at first: a word is chosen, and then learned from, with
    the same values zeroed.
    """

    def __init__(self, model: EncoderDecoder, target_in: Tensor, forced: Tensor) -> None:
        self.model, self.forced, self.words = model, forced, target_in.clone()
        self.target = target_in.size(1)
        ones = model.vocabulary.weight.new_ones(*target_in.shape, model.vocabulary.in_features)
        self.of_words = ones if model.decoder.drops_words else model.dropout(ones)
        self.of_readouts = model.dropout(ones)

    def at(self, position: int) -> Tensor:
        words = self.words[:, position].clone()  # autograd keeps them, and others change later
        return self._embed(words, self.of_words[:, position])

    def embedded(self) -> Tensor:
        return self._embed(self.words, self.of_words)

    def _embed(self, words: Tensor, factors: Tensor) -> Tensor:
        embedded: Tensor = self.model.target_embedding(words)
        return embedded * factors

    @torch.no_grad()
    def choose(self, position: int, readout: Tensor) -> Tensor:
        narrow = self.model.narrow(readout)
        logits = self.model.vocabulary(narrow * self.of_readouts[:, position].to(narrow.dtype))
        # ids below EOS are not words; argmax is slow in bfloat16
        wide = torch.promote_types(logits.dtype, torch.float32)
        chosen = logits[:, EOS:].to(wide).argmax(dim=-1) + EOS
        forced, known = self.forced[:, position + 1], self.words[:, position + 1]
        self.words[:, position + 1] = torch.where(forced, known, chosen)
        return self.at(position + 1)

    def dropped(self, readouts: Tensor) -> Tensor:
        """What dropout leaves of the readouts: (batch, target, readout)"""
        return readouts * self.of_readouts.to(readouts.dtype)


def _embedding(count: int, size: int) -> nn.Embedding:
    embedding = nn.Embedding(count, size, padding_idx=PAD)
    nn.init.normal_(embedding.weight, std=size**-0.5)
    nn.init.zeros_(embedding.weight[PAD])
    return embedding
