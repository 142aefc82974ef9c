"""The parts of `scripts/campaign.py`: trials that are killed, starved, crowded and fed rubbish."""
