"""The config of a run as typed values: one class for each section of the YAML.

Nothing here imports torch, directly or indirectly, so that reading a config is instant. A function
takes the section that it needs, never the whole tree. The docstring of a field is the text that
`nmt config schema` shows in editors.
"""

import re
import unicodedata
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nmt.config.descriptions import field_docstrings
from nmt.config.scalars import Spelled, number
from nmt.errors import printable

MOST = 2**48
"""Upper limit of any count: its products with counts of a corpus still fit int64 and a float."""
Factor = Annotated[float, Field(ge=0, le=1e6)]
Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0, le=MOST)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Size = Annotated[int, Field(gt=0, le=1_000_000_000)]
Layers = Annotated[int, Field(gt=0, le=1_000)]
MOST_CANDIDATES = 1_000
"""Target pieces per source piece that a shortlist keeps."""
DEVICE = r"auto|cpu|mps|cuda(:[0-9]{1,3})?"
LONGEST_NAME = 200
"""Bytes of a run's name: file systems allow 255, and the names of drafts are longer."""
NO_ATTENTION = "none"
"""The score of a model without attention."""


def _kinds(annotation: Any) -> set[Any]:
    """The types that an annotation is made of."""
    return {annotation}.union(*map(_kinds, get_args(annotation)))


class Section(BaseModel):
    """A section rejects unknown keys and cannot be changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found = handler(schema)
        properties = handler.resolve_ref_schema(found)["properties"]
        for name, docstring in field_docstrings(cls).items():
            properties[name]["description"] = docstring
        return found

    @field_validator("*", mode="before")
    @classmethod
    def _values_are_meant(cls, value: Any, info: ValidationInfo) -> Any:
        return _meant(value, _kinds(cls.model_fields[str(info.field_name)].annotation))


def _meant(value: Any, kinds: set[Any]) -> Any:
    """Convert a value to what a field of these types expects, text or a number, without guessing.

    A text field keeps the spelling that was written, even that of a number; true and false need
    quotes. On its own, pydantic would read true as 1 and "2" as 2.

    Raises:
        ValueError: a number is expected but text is given, or the text cannot be shown or stored.
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
    """Whether a field of these types takes the spelling of a number rather than its value.

    A field that takes both, such as a column by name or by number, takes a plain number as one.
    """
    if isinstance(value.value, bool):
        return False
    if str in kinds and int in kinds:
        return not _COUNTED.fullmatch(value.text)
    return any(kind is str or isinstance(kind, str) for kind in kinds)


def _as_number(value: Any, kinds: set[Any]) -> Any:
    """The value unchanged, but true, false and quoted numbers are rejected.

    To YAML, 1_000 is text, but where a number is expected it can only mean the number.
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
"""Characters, as many as the path of a file may have."""


def _refuse_unreadable(text: str) -> None:
    """Reject a text that cannot be a name, or that would not survive being written to a file.

    Raises:
        ValueError: it is very long, or contains control characters or bytes that are not UTF-8.
    """
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"it has {len(text):,} characters, more than {_LONGEST_TEXT:,}")
    for letter in text:
        kind = unicodedata.category(letter)
        if kind == "Cs":
            raise ValueError(f"'{printable(text)}' contains bytes that are not UTF-8")
        if kind in ("Cc", "Zl", "Zp"):
            raise ValueError(
                f"'{printable(text)}' contains the control character U+{ord(letter):04X}: remove it"
            )


class SplitsConfig(Section):
    """Names of the splits in the corpus; null: found by their usual names, or made from train."""

    train: str = "train"
    """The split to train on."""
    validation: str | None = None
    """null: validation, valid, val or dev, else made from train."""
    test: str | None = None
    """null: test or devtest, else made from train."""


class FilesConfig(Section):
    """Local files: one file of pairs (.tsv .csv .jsonl .json .tmx .parquet), or a list of two
    aligned text files."""

    train: str | tuple[str, str]
    """`pairs.tsv`, or `[train.en, train.fr]`."""
    validation: str | tuple[str, str] | None = None
    """null: made from train."""
    test: str | tuple[str, str] | None = None
    """null: made from train."""


class CleaningConfig(Section):
    """Which training pairs are left out; a report says how many, and why."""

    max_words: Positive = 100
    """Leave out pairs in which either side has more words than this."""
    max_characters: Positive = 1000
    """The same limit in characters, for text without spaces."""
    max_ratio: Annotated[float, Field(gt=1, le=MOST)] = 4.0
    """The longer side may have at most this many times the words of the shorter one, plus five."""
    drop_duplicates: bool = True
    """Keep the first of identical pairs."""
    drop_held_out: bool = True
    """Leave out training pairs whose source sentence is in validation or test."""


class DataConfig(Section):
    """The corpus, and how it is read and split."""

    corpus: str
    """A data set on the Hugging Face hub (`owner/name`), a built-in corpus (`phrasebook`), or
    `files`."""
    config: str | None = None
    """The data set's config on the hub, such as `en-fr`; `fr-en` is tried too."""
    revision: str | None = None
    """A branch, tag or commit of the data set; null: the newest commit."""
    source: str = "en"
    """Source language, the one translated from."""
    target: str = "fr"
    """Target language, the one translated into."""
    source_column: str | Positive | None = None
    """Column of the source text: its name or, in a table without a header, its number; null:
    found by its name (`translation.en`, `en`, `english` ...)."""
    target_column: str | Positive | None = None
    """Column of the target text, likewise (`translation.fr`, `fr`, `non_english` ...)."""
    max_equal: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Reject a split if source and target are equal in more than this share of its pairs, which
    usually means that the corpus was read wrongly; 1 accepts any."""
    splits: SplitsConfig = SplitsConfig()
    files: FilesConfig | None = None
    """The files to read when `corpus: files`."""
    fallback: Literal["phrasebook"] | None = None
    """Corpus to use, with a warning, when the hub cannot be reached."""
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
            raise ValueError("corpus is 'files', so data.files must name the files")
        if self.corpus != "files" and self.files is not None:
            raise ValueError(f"data.files is given, but corpus is '{self.corpus}', not 'files'")
        if self.corpus != "files" and self.fallback == self.corpus:
            raise ValueError("fallback must differ from corpus")
        return self


class TokenizerConfig(Section):
    """Subwords or words, learned from the training text at the start of `train`."""

    kind: Literal["bpe", "unigram", "word"] = "bpe"
    """Subwords by `bpe` or `unigram`; `word`: whole words, for pretrained word vectors."""
    vocabulary_size: Annotated[int, Field(ge=16, le=10_000_000)] = 8000
    """Number of pieces; lowered, with a note in the log, if the text does not support that many."""
    joint: bool = True
    """true: one vocabulary for both languages; false: one for each."""
    byte_fallback: bool = True
    """Spell unseen characters as bytes, so that nothing becomes <unk>; subwords only."""
    max_sentences: Positive = 1_000_000
    """Learn from at most this many sentences per language, drawn at random."""


class AttentionConfig(Section):
    """How queries are compared with keys."""

    score: str = "general"
    """`dot`, `scaled_dot`, `general`, `additive`, `concat`, `cosine`, `qkv` or `location`; `none`:
    no attention."""
    normalizer: str = "softmax"
    """`softmax`, `weighted_softmax`, `relu`, `sparsemax` or `entmax15`."""
    scope: str = "global"
    """`global` attends to the whole source; `local-m` and `local-p` to a window around one
    position."""
    selection: str = "soft"
    """`soft` averages over the positions; `gumbel` and `reinforce` learn to pick one."""
    heads: Size = 1
    """Number of heads. With more than one, each compares its own projections, `size` / `heads`
    wide; a single head compares its inputs without a projection."""
    size: Size | None = None
    """Width in which additive, concat, qkv and multiple heads compare; null: the query's width."""
    activation: Literal["tanh", "relu", "sigmoid", "gelu", "identity"] = "tanh"
    """The function f in additive, v . f(W q + U k + b), and in concat, v . f(W [q; k])."""
    temperature: Annotated[float, Field(ge=1e-3, le=1e6)] = 1.0
    """Scores are divided by this before they are normalised: above 1 flattens the weights, below 1
    sharpens them."""
    position_weights: bool = False
    """For weighted_softmax: learn a weight for each source position, not one for all."""
    max_positions: Size = 100
    """Number of source positions for which `location` and position_weights have parameters."""
    window: Size = 10
    """For local scopes: positions on either side of the centre."""
    coverage: bool = False
    """Let additive and concat see how much attention each source position has had so far: the plain
    sum of its weights, which is the linguistic coverage of Tu et al. without fertility; there is
    no variant with a GRU."""


class SelfAttentionConfig(AttentionConfig):
    """How the positions of one sequence attend to each other, layer by layer."""

    score: str = "scaled_dot"
    heads: Size = 4
    """With 1 there are no projections: `scaled_dot` then lacks the Transformer's W_Q, W_K, W_V and
    W_O; for one head with projections, use score `qkv`, which lacks only W_O."""
    feed_forward: Annotated[int, Field(ge=0, le=1_000_000_000)] = 512
    """Hidden size of the feed-forward network after each attention; 0: no such network."""
    norm: Literal["pre", "post", "none"] = "pre"
    """Layer normalisation before or after each sublayer."""
    residual: bool = True
    """Add the input of each sublayer to its output."""
    positions: Literal["sinusoidal", "learned", "rotary", "none"] = "sinusoidal"
    """How word order is encoded; with none, a sentence is a bag of words."""
    max_positions: Size = 512
    """Maximum length of a sentence, in pieces, for learned positions and position_weights."""


class EncoderConfig(Section):
    """The encoder, which reads the source."""

    kind: str = "recurrent"
    """`recurrent`: a bidirectional RNN; `self_attention`: every position attends to all."""
    cell: str = "lstm"
    """`lstm` or `gru`."""
    size: Size = 256
    """Width of a hidden state; with recurrent, per direction, so that a state is twice as wide."""
    layers: Layers = 1
    self_attention: SelfAttentionConfig = SelfAttentionConfig()
    """For kind self_attention."""


class DecoderConfig(Section):
    """The decoder, which writes the target."""

    kind: str = "luong"
    """`luong`: the query is the new state; `bahdanau`: the previous state; `conditional`: the state
    between two cells; `transformer`: no recurrence."""
    cell: str = "lstm"
    """`lstm` or `gru`."""
    size: Size = 512
    layers: Layers = 1
    input_feeding: bool = True
    """For luong: feed the attentional state of the last step in with the next word."""
    readout: Literal["tanh", "maxout"] = "tanh"
    """For bahdanau and conditional: the last hidden layer."""
    fused: bool = True
    """Train with a hand-written backward pass where there is one; false: with the plain loop."""
    self_attention: SelfAttentionConfig = SelfAttentionConfig()
    """For kind transformer."""


class VectorsConfig(Section):
    """Pretrained word vectors."""

    file: str
    """A GloVe or word2vec text file: one word per line, after an optional line with the sizes."""
    tune: bool = True
    """Whether the vectors are trained further."""


class ModelConfig(Section):
    """The model."""

    embedding_size: Size = 256
    encoder: EncoderConfig = EncoderConfig()
    decoder: DecoderConfig = DecoderConfig()
    attention: AttentionConfig = AttentionConfig()
    dropout: Share = 0.2
    """Dropout rate on embeddings, between layers, and before the output."""
    tie_embeddings: Literal["none", "target", "all"] = "target"
    """`target`: the decoder's input and output embeddings are shared; `all`: with the source's too,
    which needs a joint vocabulary."""
    source_vectors: VectorsConfig | None = None
    """Initial source embeddings; they need tokenizer.kind: word."""
    target_vectors: VectorsConfig | None = None
    """Initial target embeddings, likewise."""


class TrainingConfig(Section):
    """How the model is trained."""

    batch_tokens: Positive = 4096
    """At most this many tokens per side in a batch, including padding."""
    accumulate: Positive = 1
    """Gradient accumulation: batches per update."""
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1e9)] = 1e-3
    betas: tuple[Share, Share] = (0.9, 0.98)
    weight_decay: Factor = 0.0
    schedule: str = "inverse_sqrt"
    """`constant`, `linear`, `cosine`, `inverse_sqrt` or `plateau`, each after `warmup_steps`."""
    warmup_steps: Count = 400
    clip_norm: Annotated[float, Field(gt=0, le=1e9)] | None = 1.0
    """Clip the gradient to this norm; null: no clipping."""
    label_smoothing: Share = 0.1
    coverage_loss: Factor = 0.0
    """Weight of the coverage loss, which penalises repeated attention to one position (See et al.,
    2017)."""
    teacher_forcing: Probability = 1.0
    """Share of positions that read the reference's previous word, not the model's own; with a
    schedule, the share at the start."""
    teacher_forcing_schedule: str = "constant"
    """How that share falls: `constant`, `linear`, `exponential` or `inverse_sigmoid`."""
    teacher_forcing_end: Probability = 0.0
    """The share at the end of a schedule."""
    teacher_forcing_per: Literal["token", "sentence"] = "token"
    """Whether the choice is drawn for each token, or once per sentence."""
    epochs: Positive | None = 20
    max_steps: Positive | None = None
    max_minutes: Annotated[float, Field(gt=0, le=1e9)] | None = None
    """Stop after this many minutes of training, summed over all resumptions."""
    validate_every: Positive | None = None
    """Steps between validations; null: once per epoch."""
    log_every: Positive = 50
    """Steps between log lines."""
    checkpoint_every: Positive | None = None
    """Steps between checkpoints; null: at each validation."""
    keep_checkpoints: Positive = 2
    """Number of newest checkpoints to keep, besides the best one."""
    best_by: Literal["bleu", "loss"] = "bleu"
    """Validation score that decides which checkpoint is best and when to stop early."""
    patience: Positive | None = 5
    """Early stopping after this many validations without a better score; null: never."""
    samples: Annotated[int, Field(ge=0, le=10_000)] = 3
    """Validation sentences whose translations are logged at each validation."""
    tensorboard: bool = True

    @model_validator(mode="after")
    def _training_ends(self) -> "TrainingConfig":
        if self.epochs is None and self.max_steps is None and self.max_minutes is None:
            raise ValueError("nothing ends the training: set epochs, max_steps or max_minutes")
        return self


class DecodingConfig(Section):
    """How translations are generated."""

    beam_size: Annotated[int, Field(gt=0, le=1_000)] = 5
    length_penalty: Annotated[float, Field(ge=0, le=10)] = 1.0
    """Hypotheses are ranked by log-probability / length ** length_penalty."""
    n_best: Annotated[int, Field(gt=0, le=1_000)] = 1
    batch_tokens: Positive = 4096
    """Source tokens translated in one batch, including padding; beams do not count."""
    max_source_length: Positive = 1000
    """Reject a line with more pieces than this: it is not a sentence."""
    max_length_factor: Annotated[float, Field(gt=0, le=100)] = 2.0
    """A translation has at most this many times the pieces of its source, plus 10."""
    shortlist: Annotated[int, Field(ge=0, le=MOST_CANDIDATES)] = 0
    """Choose among this many likely target pieces per source piece, and some that are always there,
    instead of the whole vocabulary; for torch. 0: the whole vocabulary."""
    engine: Literal["auto", "torch", "onnx"] = "auto"
    """`auto`: on the CPU the run's own export, if there is one; otherwise torch."""
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    """bfloat16 is for torch, int8 for an export; `auto`: the fastest without a loss of quality."""

    @model_validator(mode="after")
    def _the_engine_has_the_precision(self) -> "DecodingConfig":
        for engine, precision in (("torch", "int8"), ("onnx", "bfloat16")):
            if (self.engine, self.precision) == (engine, precision):
                raise ValueError(f"engine {engine} has no precision {precision}: set one to auto")
        return self

    @model_validator(mode="after")
    def _the_engine_has_a_shortlist(self) -> "DecodingConfig":
        if self.shortlist and (self.engine == "onnx" or self.precision == "int8"):
            raise ValueError(
                f"shortlist is {self.shortlist}, but exports compute the whole vocabulary: set it "
                "to 0, or engine to torch"
            )
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
    """What is evaluated at the end of training."""

    splits: tuple[Literal["train", "validation", "test"], ...] = ("test",)
    """Splits that the best checkpoint translates, with attention, and scores; []: none."""


class Config(Section):
    """The config of a run."""

    name: str
    """The run folder is runs/NAME."""
    seed: Count = 1
    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of matrix products; `auto`: bfloat16 where it is faster, as a short trial on this machine
    shows. Weights stay float32."""
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
                    f"'{self.tokenizer.kind}': word vectors need tokenizer.kind word"
                )
        return self

    @model_validator(mode="after")
    def _one_table_has_one_file(self) -> "Config":
        model = self.model
        if model.tie_embeddings == "all" and model.source_vectors != model.target_vectors:
            raise ValueError(
                "model.tie_embeddings is 'all', which shares one table between both sides, but "
                f"model.source_vectors is {_shown(model.source_vectors)} and model.target_vectors "
                f"{_shown(model.target_vectors)}: set both to the same, or tie less"
            )
        return self


def _shown(vectors: VectorsConfig | None) -> str:
    if vectors is None:
        return "null"
    return f"'{vectors.file}', {'tuned' if vectors.tune else 'frozen'}"
