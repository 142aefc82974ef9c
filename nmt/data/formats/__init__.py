"""Corpora in files of every format."""
