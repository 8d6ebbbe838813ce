"""May an explanation be believed? Measures of faithfulness, stability and complexity, each with its uncertainty."""

from netlens.quality.agreement import Agreement, ClassConsistency, agreement, between_models, diagnosis, foreground, similarity
from netlens.quality.base import Curve, ExplainerMetric, Metric, Score, interval
from netlens.quality.complexity import EffectiveSize, Entropy, Sparseness
from netlens.quality.correlation import FaithfulnessCorrelation
from netlens.quality.faithfulness import Deletion, Insertion, PixelFlipping
from netlens.quality.infidelity import Infidelity
from netlens.quality.known_answers import KnownAnswers, known_answers, truths
from netlens.quality.labels import randomise_labels, shuffled_labels
from netlens.quality.marker import marker_hunt, planted_marker
from netlens.quality.ranking import Ranking, rank
from netlens.quality.removal import Foretold, Removal, foretold, removal
from netlens.quality.road import ROAD
from netlens.quality.sanity import Sanity, randomise
from netlens.quality.sensitivity import AverageSensitivity, MaxSensitivity
from netlens.quality.stability import NoiseStability, SeedStability, ShiftStability
from netlens.quality.stamp import Policy, Stamp, stamp

METRICS: dict[str, type[Metric]] = {
    metric.name: metric
    for metric in (
        Deletion,
        Insertion,
        PixelFlipping,
        ROAD,
        FaithfulnessCorrelation,
        Infidelity,
        Sparseness,
        Entropy,
        EffectiveSize,
    )
}
EXPLAINER_METRICS: dict[str, type[ExplainerMetric]] = {
    metric.name: metric for metric in (MaxSensitivity, AverageSensitivity, NoiseStability, ShiftStability, SeedStability)
}

__all__ = [
    "EXPLAINER_METRICS",
    "METRICS",
    "ROAD",
    "Agreement",
    "AverageSensitivity",
    "ClassConsistency",
    "Curve",
    "Deletion",
    "EffectiveSize",
    "Entropy",
    "ExplainerMetric",
    "FaithfulnessCorrelation",
    "Foretold",
    "Infidelity",
    "Insertion",
    "KnownAnswers",
    "MaxSensitivity",
    "Metric",
    "NoiseStability",
    "PixelFlipping",
    "Policy",
    "Ranking",
    "Removal",
    "Sanity",
    "Score",
    "SeedStability",
    "ShiftStability",
    "Sparseness",
    "Stamp",
    "agreement",
    "between_models",
    "diagnosis",
    "foreground",
    "foretold",
    "interval",
    "known_answers",
    "marker_hunt",
    "planted_marker",
    "randomise",
    "randomise_labels",
    "rank",
    "removal",
    "shuffled_labels",
    "similarity",
    "stamp",
    "truths",
]
