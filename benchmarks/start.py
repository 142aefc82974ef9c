"""The cold start of `nmt translate`, next to the imports that it cannot do without.

    python benchmarks/start.py RUN [ROUNDS]

RUN has an export (nmt export RUN). Each command is a process of its own, with one thread; they take
turns. Prints a Markdown table of seconds: medians and minima of the whole process (wall time) and
of processor time, which a busy machine changes less. The bytecode of all modules exists, as after
any installation: a first round that is not counted writes it.
"""

import os
import resource
import statistics
import subprocess
import sys
from time import perf_counter

ROUNDS = 10
SENTENCE = "I love you"


def main() -> None:
    run = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    translate = ["-m", "nmt", "translate", SENTENCE, "--run", run]
    commands = {
        "`import torch`": ["-c", "import torch"],
        "`nmt translate`, torch": [*translate, "--engine", "torch"],
        "`import numpy, onnxruntime`": ["-c", "import numpy, onnxruntime"],
        "`nmt translate`, export": [*translate, "--engine", "onnx"],
        "`nmt --help`": ["-m", "nmt", "--help"],
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for number in range(1 + rounds):
        for name, arguments in commands.items():
            seconds = times(arguments)
            if number:
                taken[name].append(seconds)
    print(f"| process, {rounds} times | wall, median | least | processor time, median | least |")
    print("|---|---|---|---|---|")
    for name, seconds_of in taken.items():
        values = [
            f(each) for each in zip(*seconds_of, strict=True) for f in (statistics.median, min)
        ]
        print(f"| {name} | {' | '.join(f'{value:.2f} s' for value in values)} |")


def times(arguments: list[str]) -> tuple[float, float]:
    """Wall and processor time of a process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started, before = perf_counter(), processor_time()
    subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=True)
    return perf_counter() - started, processor_time() - before


def processor_time() -> float:
    """Of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
