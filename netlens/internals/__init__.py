"""Inside the network: its architecture, its weights, what its units answer, how gradients flow."""

from netlens.internals.boundary import Boundary, boundary
from netlens.internals.boundary_distance import BoundaryDistance, boundary_distance
from netlens.internals.exciting import Exciting, exciting
from netlens.internals.feature_visualisation import Painted, paint
from netlens.internals.memory import Memory, memory
from netlens.internals.plane import Plane, plane_of
from netlens.internals.recurrent import States, hidden_states, logits_while_reading
from netlens.internals.recurrent_listening import recurrent_layers
from netlens.internals.sequence_saliency import TimeSaliency, saliency_over_time
from netlens.internals.tracking import Tracking, tracking
from netlens.internals.unit import Unit
from netlens.internals.wobble import Wobble

__all__ = [
    "Boundary",
    "BoundaryDistance",
    "Exciting",
    "Memory",
    "Painted",
    "Plane",
    "States",
    "TimeSaliency",
    "Tracking",
    "Unit",
    "Wobble",
    "boundary",
    "boundary_distance",
    "exciting",
    "hidden_states",
    "logits_while_reading",
    "memory",
    "paint",
    "plane_of",
    "recurrent_layers",
    "saliency_over_time",
    "tracking",
]
