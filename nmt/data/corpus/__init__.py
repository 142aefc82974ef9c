"""Corpora in memory and on the disk: their types, cleaning, splits and duplicates."""
