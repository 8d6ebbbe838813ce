"""Inside the network: its architecture, its weights, what its units answer, how gradients flow."""

from netlens.internals.memory import Memory, memory
from netlens.internals.recurrent import States, hidden_states, logits_while_reading
from netlens.internals.recurrent_listening import recurrent_layers
from netlens.internals.sequence_saliency import TimeSaliency, saliency_over_time
from netlens.internals.tracking import Tracking, tracking

__all__ = [
    "Memory",
    "States",
    "TimeSaliency",
    "Tracking",
    "hidden_states",
    "logits_while_reading",
    "memory",
    "recurrent_layers",
    "saliency_over_time",
    "tracking",
]
