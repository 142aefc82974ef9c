"""Load a run's model to translate, and to read its attention."""
