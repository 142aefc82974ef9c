"""How fast training and translating are, against the limit of the machine."""

from nmt.workflows.bench.decoding import bench_decoding
from nmt.workflows.bench.training import bench_training

__all__ = ["bench_decoding", "bench_training"]
