"""What reads the source: one registered class each. No padding changes a state."""

from nmt.models.encoders.encoder import Encoder, encoders
from nmt.models.encoders.recurrent import RecurrentEncoder
from nmt.models.encoders.self_attention import SelfAttentionEncoder

__all__ = ["Encoder", "RecurrentEncoder", "SelfAttentionEncoder", "encoders"]
