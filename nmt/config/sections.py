"""The whole of a run as typed values: one class for each section of the YAML.

Nothing here imports torch or a part of nmt that does, so that reading a config is instant. A
function is handed the section that it needs, never the whole tree. Every field carries the
sentence that `nmt config schema` shows in editors.
"""

import re
import unicodedata
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nmt.config.scalars import Spelled, number
from nmt.errors import printable

MOST = 2**48
"""Of any number: products of two counts of a corpus still fit into 64 bits, and into a float."""
Factor = Annotated[float, Field(ge=0, le=1e6)]
Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0, le=MOST)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Size = Annotated[int, Field(gt=0, le=1_000_000_000)]
Layers = Annotated[int, Field(gt=0, le=1_000)]
DEVICE = r"auto|cpu|mps|cuda(:[0-9]{1,3})?"
LONGEST_NAME = 200
"""Bytes of a run's name: file systems have 255, and drafts add to it."""
NO_ATTENTION = "none"
"""The score of a model without attention."""


def _kinds(annotation: Any) -> set[Any]:
    """The types that an annotation is made of."""
    return {annotation}.union(*map(_kinds, get_args(annotation)))


class Section(BaseModel):
    """Unknown keys are refused, and nothing changes after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _values_are_meant(cls, value: Any, info: ValidationInfo) -> Any:
        return _meant(value, _kinds(cls.model_fields[str(info.field_name)].annotation))


def _meant(value: Any, kinds: set[Any]) -> Any:
    """A value as a field of these types takes it: as text or as a number, never by guessing.

    Text keeps the letters that were written, also those of a number; true and false want quotes.
    pydantic would take true for 1 and "2" for 2.

    Raises:
        ValueError: a number is wanted and text is given, or the text cannot be shown or stored.
    """
    if isinstance(value, list):
        return [_meant(item, kinds) for item in value]
    if isinstance(value, Spelled):
        value = value.text if _as_text(value, kinds) else value.value
    if kinds & {int, float} and str not in kinds:
        return _as_number(value, kinds)
    if isinstance(value, str):
        _refuse_unreadable(value)
    return value


def _as_text(value: Spelled, kinds: set[Any]) -> bool:
    """Whether a field of these types takes the letters of a number.

    One that takes either, a column by name or by number, takes the number where it is a plain one.
    """
    if isinstance(value.value, bool):
        return False
    if str in kinds and int in kinds:
        return not _COUNTED.fullmatch(value.text)
    return any(kind is str or isinstance(kind, str) for kind in kinds)


def _as_number(value: Any, kinds: set[Any]) -> Any:
    """The same, unless it is true, false, or a number in quotes, which are refused.

    1_000 is a text of YAML, but where a number is wanted it can mean only one.
    """
    if isinstance(value, bool) and bool not in kinds:
        raise ValueError(f"{str(value).lower()} is not a number")
    if not isinstance(value, str):
        return value
    if number(value.strip()) is not None:
        raise ValueError(f"'{value}' is text: write {value.strip()} without quotes")
    if _GROUPED.fullmatch(value):
        return number(value.replace("_", ""))
    return printable(value)


_COUNTED = re.compile(r"[1-9][0-9]{0,14}")
_GROUPED = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)+(?:\.[0-9]*)?")
_LONGEST_TEXT = 4_096
"""Characters, as in the path of a file."""


def _refuse_unreadable(text: str) -> None:
    """Refuse what can be no name of anything, and would not come back from a file.

    Raises:
        ValueError: it is very long, or holds control characters or bytes that are not UTF-8.
    """
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"it has {len(text):,} characters, more than {_LONGEST_TEXT:,}")
    for letter in text:
        kind = unicodedata.category(letter)
        if kind == "Cs":
            raise ValueError(f"'{printable(text)}' holds bytes that are not UTF-8")
        if kind in ("Cc", "Zl", "Zp"):
            raise ValueError(
                f"'{printable(text)}' holds the control character U+{ord(letter):04X}: remove it"
            )


class SplitsConfig(Section):
    """Names of the splits in the corpus; null finds them, or makes them from train."""

    train: str = "train"
    """The split to learn from."""
    validation: str | None = None
    """null: validation, valid, val or dev, else made from train."""
    test: str | None = None
    """null: test or devtest, else made from train."""


class FilesConfig(Section):
    """Local files: one of pairs (.tsv .csv .jsonl .json .tmx .parquet), or a list of two aligned
    texts."""

    train: str | tuple[str, str]
    """`pairs.tsv`, or `[train.en, train.fr]`."""
    validation: str | tuple[str, str] | None = None
    """null: made from train."""
    test: str | tuple[str, str] | None = None
    """null: made from train."""


class CleaningConfig(Section):
    """Which training pairs are left out; a report says how many, and why."""

    max_words: Positive = 100
    """Longer sentences, in words, are left out on either side."""
    max_characters: Positive = 1000
    """The same in characters: it catches texts without spaces."""
    max_ratio: Annotated[float, Field(gt=1, le=MOST)] = 4.0
    """The longer side may have this many times the words of the shorter one, plus five."""
    drop_duplicates: bool = True
    """Keep the first of identical pairs."""
    drop_held_out: bool = True
    """Leave out of train every source sentence of validation and test."""


class DataConfig(Section):
    """Which text to learn from."""

    corpus: str
    """A data set on the Hugging Face hub (`owner/name`), a built-in (`phrasebook`), or `files`."""
    config: str | None = None
    """The hub's name for a part of the data set, such as `en-fr`; `fr-en` is tried too."""
    revision: str | None = None
    """A branch, tag or commit of the data set; null takes the newest."""
    source: str = "en"
    """The language translated from."""
    target: str = "fr"
    """The language translated into."""
    source_column: str | Positive | None = None
    """The column of the source text, by name, or in a table without a header by number; null
    finds it (`translation.en`, `en`, `english` ...)."""
    target_column: str | Positive | None = None
    """The same of the target text (`translation.fr`, `fr`, `non_english` ...)."""
    max_equal: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Refuse a split of which a larger share of pairs has two equal sides: such a corpus has
    mostly been read wrongly; 1 takes any."""
    splits: SplitsConfig = SplitsConfig()
    files: FilesConfig | None = None
    """Where the text lies when `corpus: files`."""
    fallback: Literal["phrasebook"] | None = None
    """Taken, and loudly announced, only where the hub cannot be reached."""
    validation_size: Positive = 1000
    """Pairs set aside from train when the corpus has no validation split."""
    test_size: Positive = 1000
    """Pairs set aside from train when the corpus has no test split."""
    max_pairs: Positive | None = None
    """Train on at most this many pairs, drawn at random."""
    cleaning: CleaningConfig = CleaningConfig()

    @model_validator(mode="after")
    def _files_belong_to_files(self) -> "DataConfig":
        if self.corpus == "files" and self.files is None:
            raise ValueError("corpus is 'files', so data.files must name them")
        if self.corpus != "files" and self.files is not None:
            raise ValueError(f"data.files is given, but corpus is '{self.corpus}', not 'files'")
        if self.corpus != "files" and self.fallback == self.corpus:
            raise ValueError("fallback is the corpus itself")
        return self


class TokenizerConfig(Section):
    """Subwords or words, learned from the training text at the start of `train`."""

    kind: Literal["bpe", "unigram", "word"] = "bpe"
    """Subwords by `bpe` or `unigram`; `word`: whole words, for word vectors learned elsewhere."""
    vocabulary_size: Annotated[int, Field(ge=16, le=10_000_000)] = 8000
    """Made smaller, with a note, where the text does not support that many."""
    joint: bool = True
    """One vocabulary for both languages, or one for each."""
    byte_fallback: bool = True
    """A letter never seen is spelled in bytes, so that nothing becomes <unk>; of subwords."""
    max_sentences: Positive = 1_000_000
    """Learn from at most this many sentences of a side, drawn at random."""


class AttentionConfig(Section):
    """How queries are matched with keys."""

    score: str = "general"
    """`dot`, `scaled_dot`, `general`, `additive`, `concat`, `cosine`, `qkv`, `location`; `none`."""
    normalizer: str = "softmax"
    """`softmax`, `weighted_softmax`, `relu`, `sparsemax` or `entmax15`."""
    scope: str = "global"
    """`global`; `local-m` and `local-p` look at a window around one source position."""
    selection: str = "soft"
    """`soft` averages; `gumbel` and `reinforce` learn to pick one position."""
    heads: Size = 1
    """More than one: each compares projections of its own, `size` / `heads` wide; one alone has
    none, and compares what it is given."""
    size: Size | None = None
    """Width of what is compared by additive, concat, qkv and by heads; null: the query's."""
    activation: Literal["tanh", "relu", "sigmoid", "gelu", "identity"] = "tanh"
    """f of additive, v . f(W q + U k + b), and of concat, v . f(W [q; k])."""
    temperature: Annotated[float, Field(ge=1e-3, le=1e6)] = 1.0
    """Scores are divided by it before they are normalised: above 1 flattens, below 1 sharpens."""
    position_weights: bool = False
    """Of weighted_softmax: a learned weight for each source position, not one for all."""
    max_positions: Size = 100
    """Source positions that `location` and position_weights have parameters for."""
    window: Size = 10
    """Of local scopes: positions on either side."""
    coverage: bool = False
    """additive and concat also see how much each position was looked at before: the plain sum of
    its weights, which is the linguistic coverage of Tu et al. without fertility; there is no form
    with a GRU."""


class SelfAttentionConfig(AttentionConfig):
    """How the positions of one sequence look at each other, layer by layer."""

    score: str = "scaled_dot"
    heads: Size = 4
    """With 1 there are no projections: `scaled_dot` then has no W_Q, W_K, W_V and W_O, as the
    Transformer does; for one head that projects, take score `qkv`, which lacks only W_O."""
    feed_forward: Annotated[int, Field(ge=0, le=1_000_000_000)] = 512
    """Hidden size of the feed-forward network after each attention; 0: there is none."""
    norm: Literal["pre", "post", "none"] = "pre"
    """Layer normalisation before or after each sublayer."""
    residual: bool = True
    """Each part of a layer adds to what it reads."""
    positions: Literal["sinusoidal", "learned", "rotary", "none"] = "sinusoidal"
    """How order is told. Without, a sentence is a set of words."""
    max_positions: Size = 512
    """The most pieces of a sentence that learned positions and position_weights have parameters
    for."""


class EncoderConfig(Section):
    """What reads the source."""

    kind: str = "recurrent"
    """`recurrent` reads in both directions; `self_attention`: every position looks at all."""
    cell: str = "lstm"
    """`lstm` or `gru`."""
    size: Size = 256
    """recurrent: of one direction, a state is twice as wide; self_attention: of a state."""
    layers: Layers = 1
    self_attention: SelfAttentionConfig = SelfAttentionConfig()
    """Of kind self_attention."""


class DecoderConfig(Section):
    """What writes the target."""

    kind: str = "luong"
    """`luong`: attention from the new state; `bahdanau`: from the one before; `conditional`:
    between two cells; `transformer`: without recurrence."""
    cell: str = "lstm"
    """`lstm` or `gru`."""
    size: Size = 512
    layers: Layers = 1
    input_feeding: bool = True
    """Luong's: the attentional state of the last step is read with the next word."""
    readout: Literal["tanh", "maxout"] = "tanh"
    """Bahdanau's and conditional's last hidden layer."""
    fused: bool = True
    """Train by a backward pass written by hand where there is one; false: by the plain loop."""
    self_attention: SelfAttentionConfig = SelfAttentionConfig()
    """Of kind transformer."""


class VectorsConfig(Section):
    """Word vectors learned elsewhere."""

    file: str
    """GloVe or word2vec text: a line a word; a first line of sizes may stand before."""
    tune: bool = True
    """Whether they go on learning."""


class ModelConfig(Section):
    """What is learned."""

    embedding_size: Size = 256
    encoder: EncoderConfig = EncoderConfig()
    decoder: DecoderConfig = DecoderConfig()
    attention: AttentionConfig = AttentionConfig()
    dropout: Share = 0.2
    """Share of values zeroed in training: embeddings, between layers, before the output."""
    tie_embeddings: Literal["none", "target", "all"] = "target"
    """`target`: words read and words written share vectors; `all`: the source's too, if joint."""
    source_vectors: VectorsConfig | None = None
    """Where the source's embeddings start; they want tokenizer.kind: word."""
    target_vectors: VectorsConfig | None = None
    """The same for the target's."""


class TrainingConfig(Section):
    """How it is learned."""

    batch_tokens: Positive = 4096
    """The most tokens of one side in a batch, padding included."""
    accumulate: Positive = 1
    """Batches summed before each update."""
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1e9)] = 1e-3
    betas: tuple[Share, Share] = (0.9, 0.98)
    weight_decay: Factor = 0.0
    schedule: str = "inverse_sqrt"
    """`constant`, `linear`, `cosine`, `inverse_sqrt` or `plateau`, each after `warmup_steps`."""
    warmup_steps: Count = 400
    clip_norm: Annotated[float, Field(gt=0, le=1e9)] | None = 1.0
    """Gradients longer than this are shortened; null leaves them."""
    label_smoothing: Share = 0.1
    coverage_loss: Factor = 0.0
    """Weight of the attention that falls where it fell before (See et al., 2017)."""
    teacher_forcing: Probability = 1.0
    """Share of positions that read the reference's previous word, not the model's own; with a
    schedule, at the start."""
    teacher_forcing_schedule: str = "constant"
    """`constant`, `linear`, `exponential` or `inverse_sigmoid`: how the share falls."""
    teacher_forcing_end: Probability = 0.0
    """Where a schedule leads to."""
    teacher_forcing_per: Literal["token", "sentence"] = "token"
    """Whether that share is drawn for each token, or once for a sentence."""
    epochs: Positive | None = 20
    max_steps: Positive | None = None
    max_minutes: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """Stop after this many minutes of training, over all resumptions."""
    validate_every: Positive | None = None
    """Steps between validations; null: once an epoch."""
    log_every: Positive = 50
    """Steps between lines in the log."""
    checkpoint_every: Positive | None = None
    """Steps between checkpoints; null: at each validation."""
    keep_checkpoints: Positive = 2
    """Newest checkpoints to keep, besides the best."""
    best_by: Literal["bleu", "loss"] = "bleu"
    """Which validation score chooses the best checkpoint and stops early."""
    patience: Positive | None = 5
    """Early stopping after this many validations without a better score; null: never."""
    samples: Annotated[int, Field(ge=0, le=10_000)] = 3
    """Validation sentences translated into the log each time."""
    tensorboard: bool = True

    @model_validator(mode="after")
    def _training_ends(self) -> "TrainingConfig":
        if self.epochs is None and self.max_steps is None and self.max_minutes is None:
            raise ValueError("nothing ends the training: set epochs, max_steps or max_minutes")
        return self


class DecodingConfig(Section):
    """How a translation is searched for."""

    beam_size: Annotated[int, Field(gt=0, le=1_000)] = 5
    length_penalty: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Hypotheses are ranked by log-probability / length ** length_penalty."""
    n_best: Annotated[int, Field(gt=0, le=1_000)] = 1
    batch_tokens: Positive = 4096
    """Source tokens translated side by side, padding included, beams not counted."""
    max_source_length: Positive = 1000
    """A line with more pieces is refused: it is not a sentence."""
    max_length_factor: Annotated[float, Field(gt=0, le=100)] = 2.0
    """A translation has at most this many times the source's pieces, plus 10."""
    engine: Literal["auto", "torch", "onnx"] = "auto"
    """`auto`: the run's own export on the processor, where there is one; else torch."""
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    """bfloat16 is torch's, int8 an export's; `auto`: the fastest that was found as good."""

    @model_validator(mode="after")
    def _the_engine_has_the_precision(self) -> "DecodingConfig":
        for engine, precision in (("torch", "int8"), ("onnx", "bfloat16")):
            if (self.engine, self.precision) == (engine, precision):
                raise ValueError(f"engine {engine} has no precision {precision}: leave one to auto")
        return self

    @model_validator(mode="after")
    def _beam_holds_the_best(self) -> "DecodingConfig":
        if self.n_best > self.beam_size:
            raise ValueError(
                f"n_best is {self.n_best}, more than beam_size {self.beam_size}: "
                "raise beam_size or lower n_best"
            )
        return self


class EvaluationConfig(Section):
    """What is measured when the training is over."""

    splits: tuple[Literal["train", "validation", "test"], ...] = ("test",)
    """Each is translated with its attention by the best checkpoint; [] measures nothing."""


class Config(Section):
    """A run."""

    name: str
    """The run folder is runs/NAME."""
    seed: Count = 1
    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of matrix products; `auto`: bfloat16 where the processor has it. Weights stay float32."""
    data: DataConfig
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    decoding: DecodingConfig = DecodingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @field_validator("name")
    @classmethod
    def _name_is_a_folder(cls, name: str) -> str:
        small = len(name.encode("utf-8", "replace")) <= LONGEST_NAME
        if not re.fullmatch(r"[A-Za-z0-9][\w.+-]{0,99}", name) or name == "latest" or not small:
            raise ValueError(
                "must be up to 100 letters, digits, '.', '_', '+' and '-', and not 'latest'"
            )
        return name

    @field_validator("device")
    @classmethod
    def _device_is_known(cls, device: str) -> str:
        if not re.fullmatch(DEVICE, device):
            raise ValueError(f"unknown device '{device}': it is auto, cpu, mps, cuda or cuda:N")
        return device

    @model_validator(mode="after")
    def _sharing_needs_one_vocabulary(self) -> "Config":
        if self.model.tie_embeddings == "all" and not self.tokenizer.joint:
            raise ValueError(
                "model.tie_embeddings is 'all', but tokenizer.joint is false: "
                "sharing all embeddings needs one vocabulary"
            )
        return self

    @model_validator(mode="after")
    def _word_vectors_need_words(self) -> "Config":
        for key in ("source_vectors", "target_vectors"):
            vectors: VectorsConfig | None = getattr(self.model, key)
            if vectors is not None and self.tokenizer.kind != "word":
                raise ValueError(
                    f"model.{key} is '{vectors.file}', but tokenizer.kind is "
                    f"'{self.tokenizer.kind}': vectors of words need tokenizer.kind word"
                )
        return self

    @model_validator(mode="after")
    def _one_table_has_one_file(self) -> "Config":
        model = self.model
        if model.tie_embeddings == "all" and model.source_vectors != model.target_vectors:
            raise ValueError(
                "model.tie_embeddings is 'all', which makes one table of both sides, but "
                f"model.source_vectors is {_told(model.source_vectors)} and model.target_vectors "
                f"{_told(model.target_vectors)}: give both the same, or tie less"
            )
        return self


def _told(vectors: VectorsConfig | None) -> str:
    if vectors is None:
        return "null"
    return f"'{vectors.file}', {'tuned' if vectors.tune else 'frozen'}"
