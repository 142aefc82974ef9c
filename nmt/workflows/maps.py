"""The attention of every layer and head, for a translation that was found."""

import numpy as np
import torch

from nmt.data.tokenizers.base import BOS, EOS, PAD
from nmt.decoding.translator import Translated, Translation
from nmt.evaluation.words import Floats
from nmt.workflows.model import Trained


@torch.inference_mode()
def maps_of(trained: Trained, translated: Translated, found: Translation) -> dict[str, Floats]:
    """Each matrix between pieces by name: read anew, with the translation as a known target."""
    model = trained.model
    device = next(model.parameters()).device
    ids = trained.tokenizers.source.pieces(translated.source).ids
    source = torch.tensor([[*ids, EOS]], device=device)
    target = torch.tensor([[BOS, *found.hypothesis.ids[:-1]]], device=device)
    maps = model.maps(source, source != PAD, target)
    return {name: np.asarray(each[0].cpu().double()) for name, each in maps.items()}
