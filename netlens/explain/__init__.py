"""Explanations: methods that say which parts of an input speak for a class."""

from netlens.explain.base import Attribution, Explainer, Target
from netlens.explain.cam import GradCAM, GradCAMPlusPlus, LayerCAM
from netlens.explain.gradient import GradientXInput, NeuronGradient, Saliency
from netlens.explain.integrated import IntegratedGradients
from netlens.explain.noise import SmoothGrad, VarGrad
from netlens.explain.occlusion import Occlusion
from netlens.explain.score_cam import EigenCAM, ScoreCAM

EXPLAINERS: dict[str, type[Explainer]] = {
    explainer.name: explainer
    for explainer in (
        Saliency,
        GradientXInput,
        NeuronGradient,
        SmoothGrad,
        VarGrad,
        IntegratedGradients,
        GradCAM,
        GradCAMPlusPlus,
        LayerCAM,
        ScoreCAM,
        EigenCAM,
        Occlusion,
    )
}

__all__ = [
    "EXPLAINERS",
    "Attribution",
    "EigenCAM",
    "Explainer",
    "GradCAM",
    "GradCAMPlusPlus",
    "GradientXInput",
    "IntegratedGradients",
    "LayerCAM",
    "NeuronGradient",
    "Occlusion",
    "Saliency",
    "ScoreCAM",
    "SmoothGrad",
    "Target",
    "VarGrad",
]
