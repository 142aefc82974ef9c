"""The config of a run: typed sections, and how they are read from YAML."""

from nmt.config.finding import shipped
from nmt.config.loading import Loaded, load, section
from nmt.config.sections import (
    MOST_CANDIDATES,
    NO_ATTENTION,
    AttentionConfig,
    CleaningConfig,
    Config,
    DataConfig,
    DecoderConfig,
    DecodingConfig,
    EncoderConfig,
    EvaluationConfig,
    FilesConfig,
    ModelConfig,
    SelfAttentionConfig,
    SplitsConfig,
    TokenizerConfig,
    TrainingConfig,
    VectorsConfig,
)

__all__ = [
    "MOST_CANDIDATES",
    "NO_ATTENTION",
    "AttentionConfig",
    "CleaningConfig",
    "Config",
    "DataConfig",
    "DecoderConfig",
    "DecodingConfig",
    "EncoderConfig",
    "EvaluationConfig",
    "FilesConfig",
    "Loaded",
    "ModelConfig",
    "SelfAttentionConfig",
    "SplitsConfig",
    "TokenizerConfig",
    "TrainingConfig",
    "VectorsConfig",
    "load",
    "section",
    "shipped",
]
