"""Explain a registered component: formula, shapes, parameters, cost and paper, from the code."""

from nmt.workflows.explain.components import Component, components, listed
from nmt.workflows.explain.explaining import Explanation, explain

__all__ = ["Explanation", "Component", "explain", "listed", "components"]
