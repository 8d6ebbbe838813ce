"""Explanations: methods that say which parts of an input speak for a class."""

from netlens.explain.base import Attribution, Explainer, Target
from netlens.explain.cam import GradCAM
from netlens.explain.gradient import IntegratedGradients, Saliency, SmoothGrad
from netlens.explain.occlusion import Occlusion

EXPLAINERS: dict[str, type[Explainer]] = {
    explainer.name: explainer for explainer in (Saliency, SmoothGrad, IntegratedGradients, GradCAM, Occlusion)
}

__all__ = [
    "EXPLAINERS",
    "Attribution",
    "Explainer",
    "GradCAM",
    "IntegratedGradients",
    "Occlusion",
    "Saliency",
    "SmoothGrad",
    "Target",
]
