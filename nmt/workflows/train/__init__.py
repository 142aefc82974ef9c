"""`nmt train`: everything between a config and a finished run."""
