"""May an explanation be believed? Measures of faithfulness, stability and complexity, each with its uncertainty."""

from netlens.quality.agreement import Agreement, ClassConsistency, agreement, between_models, diagnosis, foreground, similarity
from netlens.quality.base import Curve, ExplainerMetric, Metric, Score, interval
from netlens.quality.known_answers import KnownAnswers, known_answers, truths
from netlens.quality.sanity import Sanity, randomise

__all__ = [
    "Agreement",
    "ClassConsistency",
    "Curve",
    "ExplainerMetric",
    "KnownAnswers",
    "Metric",
    "Sanity",
    "Score",
    "agreement",
    "between_models",
    "diagnosis",
    "foreground",
    "interval",
    "known_answers",
    "randomise",
    "similarity",
    "truths",
]
