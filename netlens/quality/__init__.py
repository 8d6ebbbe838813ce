"""May an explanation be believed? Measures of faithfulness, stability and complexity, each with its uncertainty."""

from netlens.quality.base import Curve, ExplainerMetric, Metric, Score, interval

__all__ = ["Curve", "ExplainerMetric", "Metric", "Score", "interval"]
