"""From a run to a model that translates, and to what it attends to."""
