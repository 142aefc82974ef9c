"""Refuse a config that cannot work, before anything is downloaded or trained for it."""

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
MOST_PARAMETERS = 10**11  # 400 GB, four times that in training: one process cannot hold more


def check_model(loaded: Loaded) -> None:
    """Refuse names, sizes and combinations that cannot work.

    The model is built without memory for its parameters. What its parts complain of is told with
    the file and line of the first key that the complaint names.

    Raises:
        ConfigError: in one line, with the file, the line and the key.
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
    """Each name of a piece against its registry; the sections that a model does not use too."""
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
    """Refuse mechanisms asked of a model without attention, or without a maxout layer.

    Other options that nothing reads, such as a window without a local scope, may come from the
    config that this one extends, and pass.
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
        value, usual = getattr(attention, name), getattr(unused, name)
        if value != usual:
            raise ConfigError(
                f"model.attention.{name} is {_shown(value)}, but model.attention.score is "
                f"'{NO_ATTENTION}', which looks nowhere: set {name} to {_shown(usual)}, or choose "
                "a score"
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
    """The sections among the options of an encoder or a decoder."""
    inner = (name for name in options if isinstance(getattr(config, name), BaseModel))
    return tuple(f"{section}.{name}" for name in sorted(inner))


def _checked(
    loaded: Loaded, check: Callable[[], object], *, key: str = "", sections: Sequence[str] = ()
) -> None:
    """Run a check; what it refuses is told with the file and line.

    key: what is wrong; if empty, what the complaint names
    sections: where a key that is named without its section is looked for, the likeliest first
    """
    try:
        check()
    except ConfigError as error:
        if key:
            raise loaded.located(error, key) from None
        section, _, rest = str(error).partition(": ")
        if _exists(section, loaded):  # the complaint says itself which section it is about
            error, sections = ConfigError(rest), (section,)
        raise loaded.located(error, _named(str(error), sections, loaded)) from None


def _named(message: str, sections: Sequence[str], loaded: Loaded) -> str:
    """The key that a complaint names first, or better the first one of the command line.

    What was changed last is what is wrong, more likely than the file that worked before.
    """
    found = list(_keys(message, sections, loaded))
    changed = [key for key in found if loaded.sources.get(key) == COMMAND_LINE]
    return next(iter([*changed, *found, *sections]), "")


def _keys(message: str, sections: Sequence[str], loaded: Loaded) -> Iterator[str]:
    """The keys that a complaint names, in its order."""
    for word in re.findall(r"[\w.]*\w", message):
        for key in [word] * ("." in word) + [f"{section}.{word}" for section in sections]:
            if _exists(key, loaded):
                yield key
                break


def _exists(key: str, loaded: Loaded) -> bool:
    """Whether the config has such a key."""
    place: Any = loaded.config
    for name in key.split("."):
        if not isinstance(place, BaseModel) or name not in type(place).model_fields:
            return False
        place = getattr(place, name)
    return True


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()
