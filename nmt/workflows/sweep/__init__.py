"""`nmt sweep`: train several configs on one corpus, and compare their scores and attention."""
