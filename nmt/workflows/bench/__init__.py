"""The speed of training and translating, compared with the peak of the machine."""

from nmt.workflows.bench.decoding import BEAM_SIZES, bench_decoding
from nmt.workflows.bench.training import bench_training

__all__ = ["BEAM_SIZES", "bench_decoding", "bench_training"]
