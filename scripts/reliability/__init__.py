"""The parts of `scripts/campaign.py`: kills, system faults, concurrent processes, broken input."""
