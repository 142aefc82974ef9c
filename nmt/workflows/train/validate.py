"""Refuse a config that cannot work, before anything is downloaded or trained."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from nmt.config import NO_ATTENTION, AttentionConfig, Loaded, ModelConfig
from nmt.config.loading import COMMAND_LINE
from nmt.data.tokenizers.base import Vocabularies
from nmt.errors import ConfigError
from nmt.models import build_model
from nmt.models.attention import normalizers, scores
from nmt.models.attention.scopes import scopes
from nmt.models.attention.selection import selections
from nmt.models.build import fitting, shapes_alone
from nmt.models.cells import cells
from nmt.models.decoders import decoders
from nmt.models.encoders import encoders
from nmt.registry import Registry
from nmt.training import coverage, teacher_forcing_schedule
from nmt.training.schedules import check

SMALLEST = Vocabularies(16, 16)
MOST_PARAMETERS = 10**11  # 400 GB, and four times that in training: too much for one process


def check_model(loaded: Loaded) -> None:
    """Refuse names, sizes and combinations that cannot work.

    The model is built without memory for its parameters. An error from one of its modules is
    reported with the file and line of the first key that its message names.

    Raises:
        ConfigError: one line, with the file, the line and the key.
    """
    model, training = loaded.config.model, loaded.config.training
    _check_names(loaded)
    _checked(loaded, lambda: _refuse_unread(model))
    total = None if training.epochs is None and training.max_steps is None else 1
    _checked(loaded, lambda: check(training.schedule, total), key="training.schedule")
    schedule = "training.teacher_forcing_schedule"
    _checked(loaded, lambda: teacher_forcing_schedule.check(training), key=schedule)
    weight = "training.coverage_loss"
    _checked(loaded, lambda: coverage.check(training.coverage_loss, model.attention), key=weight)
    with shapes_alone():
        _checked(loaded, lambda: _build_encoder(model), sections=_encoder_sections(model))
        _checked(loaded, lambda: _build_whole(model), sections=_decoder_sections(model))


def _check_names(loaded: Loaded) -> None:
    """Check each component name against its registry, even in sections that are not used."""
    model = loaded.config.model
    names: dict[str, tuple[Registry[Any], str]] = {
        "model.encoder.kind": (encoders, model.encoder.kind),
        "model.encoder.cell": (cells, model.encoder.cell),
        "model.decoder.kind": (decoders, model.decoder.kind),
        "model.decoder.cell": (cells, model.decoder.cell),
    }
    sections = {
        "model.attention": model.attention,
        "model.encoder.self_attention": model.encoder.self_attention,
        "model.decoder.self_attention": model.decoder.self_attention,
    }
    for section, attention in sections.items():
        if attention.score != NO_ATTENTION:
            names[f"{section}.score"] = (scores, attention.score)
        names[f"{section}.normalizer"] = (normalizers, attention.normalizer)
        names[f"{section}.scope"] = (scopes, attention.scope)
        names[f"{section}.selection"] = (selections, attention.selection)
    for key, (registry, name) in names.items():
        try:
            registry[name]
        except ConfigError as error:
            raise loaded.located(error, key) from None


def _refuse_unread(model: ModelConfig) -> None:
    """Refuse options that need attention, or a maxout layer, for a model without it.

    Other unused options, such as a window without a local scope, are allowed, since they may come
    from the config that this one extends.
    """
    attention, kind = model.attention, model.decoder.kind
    reading = [name for name in decoders if "readout" in decoders[name].options]
    if attention.score == NO_ATTENTION:
        _refuse_without_attention(attention)
    if model.decoder.readout == "maxout" and kind not in reading:
        raise ConfigError(
            f"model.decoder.readout is 'maxout', but model.decoder.kind is '{kind}', which has no "
            f"such layer: set readout to tanh, or kind to {' or '.join(reading)}"
        )


def _refuse_without_attention(attention: AttentionConfig) -> None:
    unused = AttentionConfig(score=NO_ATTENTION)
    for name in ("heads", "normalizer", "scope", "selection", "coverage", "position_weights"):
        value, default = getattr(attention, name), getattr(unused, name)
        if value != default:
            raise ConfigError(
                f"model.attention.{name} is {_shown(value)}, but model.attention.score is "
                f"'{NO_ATTENTION}', which means no attention: set {name} to {_shown(default)}, or "
                "choose a score"
            )


def _build_encoder(model: ModelConfig) -> None:
    with fitting():
        encoders[model.encoder.kind](model)


def _build_whole(model: ModelConfig) -> None:
    built = build_model(model, SMALLEST)
    with fitting():
        if sum(parameter.numel() for parameter in built.parameters()) > MOST_PARAMETERS:
            raise MemoryError


def _encoder_sections(model: ModelConfig) -> tuple[str, ...]:
    options = encoders[model.encoder.kind].options
    return (*_own_sections("model.encoder", model.encoder, options), "model.encoder", "model")


def _decoder_sections(model: ModelConfig) -> tuple[str, ...]:
    own = _own_sections("model.decoder", model.decoder, decoders[model.decoder.kind].options)
    return ("model.attention", *own, "model.decoder", "model")


def _own_sections(section: str, config: BaseModel, options: Iterable[str]) -> tuple[str, ...]:
    """The options of an encoder or a decoder that are sections of their own."""
    inner = (name for name in options if isinstance(getattr(config, name), BaseModel))
    return tuple(f"{section}.{name}" for name in sorted(inner))


def _checked(
    loaded: Loaded, check: Callable[[], object], *, key: str = "", sections: Sequence[str] = ()
) -> None:
    """Run a check, and report its error with the file and line.

    key: the key at fault; if empty, the one that the message names
    sections: where to look for a key that is named without its section, the likeliest first
    """
    try:
        check()
    except ConfigError as error:
        if key:
            raise loaded.located(error, key) from None
        section, _, rest = str(error).partition(": ")
        if _exists(section, loaded):  # the message itself names its section
            error, sections = ConfigError(rest), (section,)
        raise loaded.located(error, _named(str(error), sections, loaded)) from None


def _named(message: str, sections: Sequence[str], loaded: Loaded) -> str:
    """The first key in an error message, preferring one that was set on the command line.

    The latest change is more likely to be wrong than a file that worked before.
    """
    keys = list(_keys(message, sections, loaded))
    changed = [key for key in keys if loaded.sources.get(key) == COMMAND_LINE]
    return next(iter([*changed, *keys, *sections]), "")


def _keys(message: str, sections: Sequence[str], loaded: Loaded) -> Iterator[str]:
    """The keys that an error message names, in order."""
    for word in re.findall(r"[\w.]*\w", message):
        for key in [word] * ("." in word) + [f"{section}.{word}" for section in sections]:
            if _exists(key, loaded):
                yield key
                break


def _exists(key: str, loaded: Loaded) -> bool:
    """Whether the config has such a key."""
    value: Any = loaded.config
    for name in key.split("."):
        if not isinstance(value, BaseModel) or name not in type(value).model_fields:
            return False
        value = getattr(value, name)
    return True


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()
