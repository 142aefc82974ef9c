"""From encoded text to batches."""
