"""Views: results as figures with tables, alt texts and captions. Only this package draws."""

from netlens.views.attacks import attack_curve
from netlens.views.attribution import layer_by_layer, methods_by_samples, steps
from netlens.views.audit import class_counts, verdicts
from netlens.views.base import View, percent
from netlens.views.believed import known_answers, pareto, policy, ranking, stamps
from netlens.views.boundary import boundaries, slice_of_images
from netlens.views.calibration import reliability
from netlens.views.comparison import changes, flipped, two_models
from netlens.views.corruptions import corruption_grid
from netlens.views.dead_units import dead_units
from netlens.views.detection import detection
from netlens.views.fairness import fairness_rates
from netlens.views.features import features
from netlens.views.fixed_and_broken import fixed_and_broken
from netlens.views.importance import bars, force, waterfall
from netlens.views.masking import masking_curve
from netlens.views.membership import membership_roc
from netlens.views.performance import confusion, forest, outputs
from netlens.views.prose import Prose, claim, say
from netlens.views.quality import agreement_matrix, broken_rows, hiding_curves, name_of, sanity_curve
from netlens.views.reading import answer_while_reading, steps_compared, tracked
from netlens.views.remembered import remembered
from netlens.views.samples import mistakes, pictures, samples
from netlens.views.selective import error_coverage
from netlens.views.slices import slice_forest
from netlens.views.stability import seeds
from netlens.views.states import gates, hidden_states
from netlens.views.suspects import label_errors, near_copies
from netlens.views.table import Table, rates, table
from netlens.views.text import cloud, words
from netlens.views.training import curves, gradient_flow
from netlens.views.unfamiliar import unfamiliar_confidence

__all__ = [
    "Prose",
    "Table",
    "View",
    "agreement_matrix",
    "answer_while_reading",
    "attack_curve",
    "bars",
    "boundaries",
    "broken_rows",
    "changes",
    "claim",
    "class_counts",
    "cloud",
    "confusion",
    "corruption_grid",
    "curves",
    "dead_units",
    "detection",
    "error_coverage",
    "fairness_rates",
    "features",
    "fixed_and_broken",
    "flipped",
    "force",
    "forest",
    "gates",
    "gradient_flow",
    "hidden_states",
    "hiding_curves",
    "known_answers",
    "label_errors",
    "layer_by_layer",
    "masking_curve",
    "membership_roc",
    "methods_by_samples",
    "mistakes",
    "name_of",
    "near_copies",
    "outputs",
    "pareto",
    "percent",
    "pictures",
    "policy",
    "ranking",
    "rates",
    "reliability",
    "remembered",
    "samples",
    "sanity_curve",
    "say",
    "seeds",
    "slice_forest",
    "slice_of_images",
    "stamps",
    "steps",
    "steps_compared",
    "table",
    "tracked",
    "two_models",
    "unfamiliar_confidence",
    "verdicts",
    "waterfall",
    "words",
]
