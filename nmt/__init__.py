"""Neural machine translation with attention, from a corpus to the picture of every weight."""

__version__ = "0.1.0"
