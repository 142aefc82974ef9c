"""Shared by several test files: reference formulas, small models, records, and the command."""
