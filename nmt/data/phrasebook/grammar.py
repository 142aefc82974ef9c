"""All the frames of the grammar: importing a module registers the frames in it."""

from nmt.data.phrasebook import (
    frames_complex,
    frames_orders,
    frames_places,
    frames_pronouns,
    frames_questions,
    frames_states,
    frames_things,
)
from nmt.data.phrasebook.frames import FRAMES

__all__ = [
    "FRAMES",
    "frames_complex",
    "frames_orders",
    "frames_places",
    "frames_pronouns",
    "frames_questions",
    "frames_states",
    "frames_things",
]
