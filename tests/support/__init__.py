"""What several test files use: reference formulas, small models, records, and the command."""
