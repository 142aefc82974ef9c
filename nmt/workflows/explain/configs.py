"""Find the configs that show a component, and put a component into a config."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from nmt.config import NO_ATTENTION, Config, Loaded, load, shipped
from nmt.models.decoders import decoders
from nmt.models.encoders import encoders
from nmt.workflows.explain.components import Component

AnySection = TypeVar("AnySection", bound=BaseModel)


def with_piece(component: Component, config: Config) -> Config:
    """The config with this component in its usual place; unchanged if it is already there."""
    key = component.keys[0]
    if component.chosen_by(_value(config, key)):
        return config
    return _changed(config, key.split("."), component.value)


def setting(component: Component, config: Config) -> str:
    """The line that selects this component in a config: `model.attention.heads: 4`."""
    value = _value(config, component.keys[0])
    return f"{component.keys[0]}: {value if isinstance(value, str) else json.dumps(value)}"


def configs_with(component: Component) -> dict[str, Loaded]:
    """The lecture's configs that use the component, those first that select it themselves.

    These must select it in its usual place; in another, its sizes would differ.
    """
    selecting: dict[str, Loaded] = {}
    others: dict[str, Loaded] = {}
    for name, path in shipped().items():
        if name[:2].isdecimal() and "vectors" not in path.parent.parts:
            loaded = load(path)
            used = (key for key in component.keys if _in_use(loaded.config, key))
            key = next((key for key in used if component.chosen_by(_value(loaded.config, key))), "")
            if not key:
                continue
            own = key == component.keys[0] and loaded.sources.get(key, "").startswith(str(path))
            (selecting if own else others)[name] = loaded
    return {**selecting, **others}


def _in_use(config: Config, key: str) -> bool:
    """Whether the model reads this key."""
    model = config.model
    if key.startswith("model.attention."):
        return key.endswith(".score") or model.attention.score != NO_ATTENTION
    for side, registry, kind in (
        ("model.encoder", encoders, model.encoder.kind),
        ("model.decoder", decoders, model.decoder.kind),
    ):
        name = key.removeprefix(f"{side}.").partition(".")[0]
        if key.startswith(side) and any(name in registry[other].options for other in registry):
            return name in registry[kind].options
    return True


def _changed(section: AnySection, path: Sequence[str], value: Any) -> AnySection:
    first, *rest = path
    inner = _changed(getattr(section, first), rest, value) if rest else value
    return section.model_copy(update={first: inner})


def _value(config: Any, key: str) -> Any:
    for name in key.split("."):
        config = getattr(config, name)
    return config
