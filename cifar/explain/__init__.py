"""What a network looks at: heat maps, how they are drawn, and whether they are to be trusted."""

from cifar.explain.drawing import (
    COLOURS,
    DIVERGING,
    colour_table,
    draw_contrast,
    overlay,
)
from cifar.explain.faithfulness import Faithfulness, faithfulness
from cifar.explain.methods import METHODS, HeatMap, Method, contrast, default_choice, heat_maps

__all__ = [
    "COLOURS",
    "DIVERGING",
    "METHODS",
    "Faithfulness",
    "HeatMap",
    "Method",
    "colour_table",
    "contrast",
    "default_choice",
    "draw_contrast",
    "faithfulness",
    "heat_maps",
    "overlay",
]
