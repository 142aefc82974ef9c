"""What `scripts/campaign.py` consists of: trials that are killed, starved, crowded and fed rubbish."""
