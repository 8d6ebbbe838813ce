"""Listen to a network while it runs: the one place that registers hooks, and takes every one of them away again."""

from netlens.capture.hooks import Hook, activations, hooked

__all__ = ["Hook", "activations", "hooked"]
