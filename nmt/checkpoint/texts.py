"""The validation and test text that a run was measured on, kept in the run.

A finished run can thus be evaluated and exported anywhere, and others can check its scores, even
if its corpus is gone, has changed, or cannot be reached. The files are `data/test.source` and
`data/test.target`, likewise for validation, with one cleaned sentence per line.
"""

from nmt.checkpoint.run import Run
from nmt.data.corpus.types import Bitext, Corpus, SplitName
from nmt.data.formats.lines import lines
from nmt.errors import DataError
from nmt.files import replacing

KEPT: tuple[SplitName, ...] = ("validation", "test")
SIDES = ("source", "target")


def keep(run: Run, corpus: Corpus) -> None:
    """Write both sides of the validation and test split into the run."""
    for split in KEPT:
        bitext = corpus.split(split)
        for side, sentences in zip(SIDES, (bitext.sources, bitext.targets), strict=True):
            with (
                replacing(run.texts / f"{split}.{side}", root=run.folder) as draft,
                draft.open("w", encoding="utf-8", newline="\n") as file,
            ):
                file.writelines(f"{sentence}\n" for sentence in sentences)


def kept(run: Run, split: SplitName) -> Bitext | None:
    """A split as the run keeps it, or None if the run does not keep it.

    Raises:
        DataError: the files are not what the run was measured on.
    """
    paths = [run.texts / f"{split}.{side}" for side in SIDES]
    if not all(path.exists() for path in paths):
        return None
    sides = [[line for block in lines(path) for line in block] for path in paths]
    same = len(sides[0]) == len(sides[1])
    bitext = Bitext(*sides) if same else None
    known = run.read_manifest()["corpus"]["fingerprints"][split]
    if bitext is None or bitext.fingerprint() != known:
        raise DataError(
            f"{paths[0]} or {paths[1].name} was changed since {run.folder} was trained: put them "
            "back, or remove both to read the split from the corpus again"
        )
    return bitext
