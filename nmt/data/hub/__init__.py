"""Corpora on the Hugging Face hub."""
