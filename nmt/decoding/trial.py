"""Which precision translates faster here with a model."""

import numpy as np

from nmt.config import DecodingConfig
from nmt.data.tokenizers.base import EOS, PAD, Vocabularies
from nmt.decoding.beam import beam_search
from nmt.decoding.torch_engine import TorchEngine
from nmt.models import Seq2Seq
from nmt.models.devices import Compute
from nmt.models.precision import Timings, timings

LENGTH = 2  # no model has fewer positions: a word and EOS
POSITIONS, SENTENCES = 4, 16


def time_precisions(
    model: Seq2Seq,
    compute: Compute,
    decoding: DecodingConfig,
    vocabularies: Vocabularies,
    *,
    kind: object,
) -> Timings:
    """Time the search of one made-up sentence and of a small batch, in both precisions.

    kind: what is timed, but for the beam and the sizes of the vocabularies
    """
    source = np.random.default_rng(1).integers(PAD + 1, vocabularies.source, (SENTENCES, LENGTH))
    source[:, -1] = EOS
    size = decoding.beam_size
    engines: dict[bool, TorchEngine] = {}

    def work(bfloat16: bool) -> None:
        if bfloat16 not in engines:
            engines[bfloat16] = TorchEngine(model, Compute(compute.device, bfloat16))
        for batch in (source[:1], source):
            limits = np.full(len(batch), POSITIONS)
            beam_search(engines[bfloat16], batch, size=size, max_lengths=limits)

    return timings(work, kind=("search", kind, vocabularies, size))
