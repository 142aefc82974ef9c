"""Readers of corpora in all supported file formats."""
