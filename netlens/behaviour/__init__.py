"""How well a model does its work, with the uncertainty that the number of samples leaves."""

from netlens.behaviour.calibration import Calibration, calibration
from netlens.behaviour.intervals import Rate, wilson
from netlens.behaviour.performance import Performance, performance

__all__ = ["Calibration", "Performance", "Rate", "calibration", "performance", "wilson"]
