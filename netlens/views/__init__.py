"""Views: results as figures with tables, alt texts and captions. Only this package draws."""

from netlens.views.architecture import architecture, layers
from netlens.views.attacks import attack_curve
from netlens.views.attention import foretold, heads, token_matrix
from netlens.views.attribution import layer_by_layer, methods_by_samples, steps
from netlens.views.audit import class_counts, verdicts
from netlens.views.base import View, percent
from netlens.views.believed import known_answers, pareto, policy, ranking, stamps
from netlens.views.boundary import boundaries, slice_of_images
from netlens.views.calibration import reliability
from netlens.views.columns import columns_by_samples, importances
from netlens.views.comparison import changes, flipped, two_models
from netlens.views.corruptions import corruption_grid
from netlens.views.dead_units import dead_units
from netlens.views.detection import detection
from netlens.views.fairness import fairness_rates
from netlens.views.features import features
from netlens.views.fixed_and_broken import fixed_and_broken
from netlens.views.flow import flows, gradient_histograms, steps_over_weights
from netlens.views.importance import bars, force, waterfall
from netlens.views.marker import marker_found
from netlens.views.masking import masking_curve
from netlens.views.membership import membership_roc
from netlens.views.performance import confusion, forest, outputs
from netlens.views.projection import projection, space
from netlens.views.prose import Prose, claim, say
from netlens.views.quality import agreement_matrix, broken_rows, hiding_curves, name_of, sanity_curve
from netlens.views.reading import answer_while_reading, steps_compared, tracked
from netlens.views.remembered import remembered
from netlens.views.rules import rules
from netlens.views.samples import mistakes, pictures, samples
from netlens.views.selective import error_coverage
from netlens.views.series import series_by_samples
from netlens.views.similarity import similarity
from netlens.views.slices import slice_forest
from netlens.views.stability import seeds
from netlens.views.states import gates, hidden_states
from netlens.views.suspects import label_errors, near_copies
from netlens.views.table import Table, rates, table
from netlens.views.text import cloud, words
from netlens.views.text_methods import methods_by_words
from netlens.views.text_page import texts
from netlens.views.training import curves, gradient_flow
from netlens.views.unfamiliar import unfamiliar_confidence
from netlens.views.units import exciting, idle, maps, response
from netlens.views.weights import filters, spectra, weight_histograms, weight_table

__all__ = [
    "Prose",
    "Table",
    "View",
    "agreement_matrix",
    "answer_while_reading",
    "architecture",
    "attack_curve",
    "bars",
    "boundaries",
    "broken_rows",
    "changes",
    "claim",
    "class_counts",
    "cloud",
    "columns_by_samples",
    "confusion",
    "corruption_grid",
    "curves",
    "dead_units",
    "detection",
    "error_coverage",
    "exciting",
    "fairness_rates",
    "features",
    "filters",
    "fixed_and_broken",
    "flipped",
    "flows",
    "force",
    "forest",
    "foretold",
    "gates",
    "gradient_flow",
    "gradient_histograms",
    "heads",
    "hidden_states",
    "hiding_curves",
    "idle",
    "importances",
    "known_answers",
    "label_errors",
    "layer_by_layer",
    "layers",
    "maps",
    "marker_found",
    "masking_curve",
    "membership_roc",
    "methods_by_samples",
    "methods_by_words",
    "mistakes",
    "name_of",
    "near_copies",
    "outputs",
    "pareto",
    "percent",
    "pictures",
    "policy",
    "projection",
    "ranking",
    "rates",
    "reliability",
    "remembered",
    "response",
    "rules",
    "samples",
    "sanity_curve",
    "say",
    "seeds",
    "series_by_samples",
    "similarity",
    "slice_forest",
    "slice_of_images",
    "space",
    "spectra",
    "stamps",
    "steps",
    "steps_compared",
    "steps_over_weights",
    "table",
    "texts",
    "token_matrix",
    "tracked",
    "two_models",
    "unfamiliar_confidence",
    "verdicts",
    "waterfall",
    "weight_histograms",
    "weight_table",
    "words",
]
