"""An export folder: a model as ONNX graphs with all that translating needs, without torch.

export.json                          format, identity, attention, files with their checksums
encoder.PRECISION.onnx  step.PRECISION.onnx
tokenizer/  config.resolved.yaml     as in the run
"""

import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import file_digest, sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt.errors import CheckpointError, UsageError, printable
from nmt.files import read_bytes, read_json, write_json
from nmt.processor import processor_has

if TYPE_CHECKING:
    from nmt.decoding.onnx_engine import OnnxEngine

FORMAT = "nmt.export/1"
DESCRIPTION = "export.json"
KEYS = {"model", "attends_from", "graphs", "files"}
GRAPHS = ("encoder", "step")
PRECISIONS = ("float32", "int8")
LARGEST_GRAPH = 2**31  # bytes: ONNX itself has no larger ones
INSTALL = "pip install 'nmt[onnx]'"


@dataclass(frozen=True)
class Export:
    """What `nmt export` wrote into a folder."""

    folder: Path

    @property
    def exists(self) -> bool:
        return (self.folder / DESCRIPTION).exists()

    @property
    def identity(self) -> dict[str, Any]:
        """`run`, `step` and `fingerprint` of the checkpoint that was exported."""
        return self.description["model"]

    @property
    def precisions(self) -> tuple[str, ...]:
        return tuple(self.description["graphs"])

    @cached_property
    def description(self) -> dict[str, Any]:
        """What `export.json` says.

        Raises:
            CheckpointError: it is missing, cut short, or of another version.
        """
        path = self.folder / DESCRIPTION
        try:
            description = read_json(path)
        except FileNotFoundError:
            raise CheckpointError(f"there is no export in {self.folder}; {_ADVICE}") from None
        except (ValueError, OSError):
            raise CheckpointError(f"{path} is not JSON, or was cut short; {_ADVICE}") from None
        if not isinstance(description, dict) or description.get("format") != FORMAT:
            raise CheckpointError(
                f"{path} was not written by this version of nmt ({FORMAT}); {_ADVICE}"
            )
        if not _is_whole(description):
            raise CheckpointError(
                f"{path} does not describe an export: it was changed, or is incomplete; {_ADVICE}"
            )
        return description

    def write(self, description: dict[str, Any]) -> None:
        """Write the description of the graphs in the folder."""
        names = [name for pair in description["graphs"].values() for name in pair]
        files = {name: _checksum((self.folder / name).read_bytes()) for name in names}
        write_json(self.folder / DESCRIPTION, {"format": FORMAT, **description, "files": files})

    def choose(self, precision: str) -> str:
        """Resolve `auto`: int8 where it measured as good, and where the processor supports it.

        Raises:
            UsageError: the precision asked for was not exported.
        """
        if precision == "auto":
            wanted = str(self.description.get("auto", "float32"))
            if wanted == "int8" and not _multiplies_int8():
                wanted = "float32"
            return wanted if wanted in self.precisions else self.precisions[0]
        if precision not in self.precisions:
            raise UsageError(
                f"{self.folder} holds {' and '.join(self.precisions)}, not {precision}; "
                f"export that, too: nmt export --precision both"
            )
        return precision

    def engine(self, precision: str = "auto", *, vocabulary: int | None = None) -> "OnnxEngine":
        """Load the graphs. vocabulary: the size that they must have, where it is known

        Raises:
            CheckpointError: a graph is missing, damaged, refused by onnxruntime, or of another
                vocabulary.
            UsageError: onnxruntime is not installed, or the precision was not exported.
        """
        if not runnable():
            raise UsageError(f"{self.folder} needs onnxruntime: {INSTALL}")
        from nmt.decoding.onnx_engine import REFUSALS, OnnxEngine

        chosen = self.choose(precision)
        names = self.description["graphs"][chosen]
        encoder, step = (self._read(name) for name in names)
        attends_from = self.description["attends_from"]
        try:
            engine = OnnxEngine(encoder, step, attends_from=attends_from, precision=chosen)
            if vocabulary not in (None, engine.vocabulary):
                raise ValueError(f"it has {engine.vocabulary:,} words, not {vocabulary:,}")
            return engine
        except ValueError as error:
            raise CheckpointError(
                f"{self.folder} is not an export of this model: {error}; {_ADVICE}"
            ) from None
        except REFUSALS as error:
            reason = printable(" ".join(str(error).split()))
            raise CheckpointError(
                f"{self.folder} cannot be run by onnxruntime {version('onnxruntime')} ({reason}); "
                f"upgrade that, or {_ADVICE}"
            ) from None

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        try:
            graph = read_bytes(path, largest=LARGEST_GRAPH)
        except (OSError, ValueError):
            raise CheckpointError(
                f"{path} is missing: the export is not complete; {_ADVICE}"
            ) from None
        if _checksum(graph) != self.description["files"].get(name):
            raise CheckpointError(f"{path} is not the file that was exported; {_ADVICE}")
        return graph


_ADVICE = "export again: nmt export RUN"


def _is_whole(description: dict[str, Any]) -> bool:
    """Whether all keys are there and well-formed; graphs are files in the folder itself."""
    if KEYS - description.keys():
        return False
    model, graphs, files = (description[key] for key in ("model", "graphs", "files"))
    if not all(isinstance(part, dict) for part in (model, graphs, files)):
        return False
    pairs = list(graphs.values())
    return (
        bool(pairs)
        and set(graphs) <= set(PRECISIONS)
        and description["attends_from"] in ("s_t", "s'_t", "s_t-1")
        and type(model.get("step")) is int
        and all(isinstance(model.get(key), str) for key in ("run", "fingerprint"))
        and all(isinstance(pair, list) and len(pair) == len(GRAPHS) for pair in pairs)
        and all(_is_file_name(name) and name in files for pair in pairs for name in pair)
    )


def _is_file_name(name: object) -> bool:
    return isinstance(name, str) and re.fullmatch(r"\w[\w.-]{0,99}", name) is not None


def runnable() -> bool:
    """Whether exports can be run here."""
    return find_spec("onnxruntime") is not None


def fingerprint(model: Path) -> str:
    """Of a checkpoint's file of parameters, as records and exports name it.

    Raises:
        OSError: the file is missing, or not an ordinary file.
    """
    if not model.is_file():
        raise FileNotFoundError(model)
    with model.open("rb") as file:
        return file_digest(file, sha256).hexdigest()[:16]


def _checksum(file: bytes) -> str:
    return sha256(file).hexdigest()


def _multiplies_int8() -> bool:
    """Whether sums of int8 products do not overflow, as far as is known.

    x86 processors without VNNI saturate such sums at 16 bits, which costs quality.
    """
    return processor_has("avx512_vnni", "avx_vnni") is not False
