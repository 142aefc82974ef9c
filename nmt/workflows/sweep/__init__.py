"""`nmt sweep`: several configs trained on one corpus, their league table, their attention."""
