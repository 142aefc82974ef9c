"""All frames of the grammar: importing a module registers its frames."""

from nmt.data.phrasebook import (
    frames_calendar,
    frames_comparison,
    frames_complex,
    frames_feelings,
    frames_orders,
    frames_owning,
    frames_pastimes,
    frames_places,
    frames_polite,
    frames_positions,
    frames_pronouns,
    frames_questions,
    frames_relative,
    frames_states,
    frames_things,
)
from nmt.data.phrasebook.frames import FRAMES

__all__ = [
    "FRAMES",
    "frames_calendar",
    "frames_comparison",
    "frames_complex",
    "frames_feelings",
    "frames_orders",
    "frames_owning",
    "frames_pastimes",
    "frames_places",
    "frames_polite",
    "frames_positions",
    "frames_pronouns",
    "frames_questions",
    "frames_relative",
    "frames_states",
    "frames_things",
]
