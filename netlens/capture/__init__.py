"""Listen to a network while it runs: the one place that registers hooks and modes, and takes every one of them away again."""

from netlens.capture.fast_path import no_fast_path
from netlens.capture.hooks import Hook, activations, hooked
from netlens.capture.listening import AttentionCall, Heard, attention

__all__ = ["AttentionCall", "Heard", "Hook", "activations", "attention", "hooked", "no_fast_path"]
