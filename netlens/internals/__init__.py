"""Inside the network: its architecture, its weights, what its units answer, how gradients flow."""

from netlens.internals.architecture import Architecture, architecture
from netlens.internals.blocks import blocks
from netlens.internals.boundary import Boundary, boundary
from netlens.internals.boundary_distance import BoundaryDistance, boundary_distance
from netlens.internals.exciting import Exciting, exciting
from netlens.internals.feature_visualisation import Painted, paint
from netlens.internals.filters import Filters, filters
from netlens.internals.flow import Flow, Recorder, learn
from netlens.internals.idle import Idle, idle
from netlens.internals.memory import Memory, memory
from netlens.internals.plane import Plane, plane_of
from netlens.internals.planted import PLANTED, deep
from netlens.internals.projection import Projection, projection
from netlens.internals.recurrent import States, hidden_states, logits_while_reading
from netlens.internals.recurrent_listening import recurrent_layers
from netlens.internals.sequence_saliency import TimeSaliency, saliency_over_time
from netlens.internals.similarity import Similarity, similarity
from netlens.internals.survey import Survey, survey
from netlens.internals.tracking import Tracking, tracking
from netlens.internals.unit import Unit
from netlens.internals.weights import Weights, weights
from netlens.internals.wobble import Wobble
from netlens.internals.zero import Zero, why_zero

__all__ = [
    "PLANTED",
    "Architecture",
    "Boundary",
    "BoundaryDistance",
    "Exciting",
    "Filters",
    "Flow",
    "Idle",
    "Memory",
    "Painted",
    "Plane",
    "Projection",
    "Recorder",
    "Similarity",
    "States",
    "Survey",
    "TimeSaliency",
    "Tracking",
    "Unit",
    "Weights",
    "Wobble",
    "Zero",
    "architecture",
    "blocks",
    "boundary",
    "boundary_distance",
    "deep",
    "exciting",
    "filters",
    "hidden_states",
    "idle",
    "learn",
    "logits_while_reading",
    "memory",
    "paint",
    "plane_of",
    "projection",
    "recurrent_layers",
    "saliency_over_time",
    "similarity",
    "survey",
    "tracking",
    "weights",
    "why_zero",
]
