"""Write a split of the phrasebook as files, with its gold word alignment, for `nmt align`.

python scripts/phrasebook_gold.py FOLDER                  the test split
python scripts/phrasebook_gold.py FOLDER --split train

FOLDER/test.en and test.fr are plain text, for `nmt align --plain`; test.tok.en and test.tok.fr are
the same words separated by spaces, for aligners that read tokens; test.gold fits both.
"""

import argparse
from pathlib import Path

from nmt.data.phrasebook import splits
from nmt.data.words import split_words
from nmt.evaluation.pharaoh import pharaoh


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", choices=["train", "validation", "test"], default="test")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    pairs = splits()[options.split]
    texts = {
        "en": [pair.source for pair in pairs],
        "fr": [pair.target for pair in pairs],
        "gold": [pharaoh(pair.links) for pair in pairs],
    }
    for language in ("en", "fr"):
        texts[f"tok.{language}"] = [
            " ".join(word.text for word in split_words(text)) for text in texts[language]
        ]
    for ending, lines in texts.items():
        path = options.folder / f"{options.split}.{ending}"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
        print(path)


if __name__ == "__main__":
    main()
