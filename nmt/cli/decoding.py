"""Options that change how a run decodes."""

from typing import Any

from pydantic import ValidationError

from nmt.config import DecodingConfig
from nmt.errors import UsageError


def changed(decoding: DecodingConfig, **options: Any) -> DecodingConfig:
    """The run's decoding config with the given options applied; None leaves a value as it is.

    Raises:
        UsageError: a value is not allowed.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if "n_best" in given and "beam_size" not in given:
        given["beam_size"] = max(decoding.beam_size, given["n_best"])
    try:
        return DecodingConfig.model_validate({**decoding.model_dump(), **given})
    except ValidationError as error:
        mistake = error.errors()[0]
        name = "".join(f"--{step}: ".replace("_", "-") for step in mistake["loc"])
        if mistake["type"] == "value_error":
            raise UsageError(f"{name}{mistake['ctx']['error']}") from None
        raise UsageError(f"{name}{mistake['msg'].lower()}") from None
