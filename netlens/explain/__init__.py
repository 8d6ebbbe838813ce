"""Explanations: methods that say which parts of an input speak for a class."""

from netlens.explain.attention import AttentionRollout, GradientWeightedAttention, RawAttention
from netlens.explain.attention_reading import AttentionMaps, attention_maps
from netlens.explain.base import Attribution, Explainer, Target
from netlens.explain.cam import GradCAM, GradCAMPlusPlus, LayerCAM
from netlens.explain.deep_lift import DeepLIFT
from netlens.explain.deep_shap import DeepSHAP
from netlens.explain.description import describe
from netlens.explain.expected import ExpectedGradients
from netlens.explain.gradient import GradientXInput, NeuronGradient, Saliency
from netlens.explain.gradient_shap import GradientSHAP
from netlens.explain.guided import GuidedBackprop, GuidedGradCAM
from netlens.explain.integrated import IntegratedGradients
from netlens.explain.kernel_shap import KernelSHAP
from netlens.explain.lime import LIME
from netlens.explain.lrp import LRP
from netlens.explain.noise import SmoothGrad, VarGrad
from netlens.explain.occlusion import Occlusion
from netlens.explain.partition_shap import PartitionSHAP
from netlens.explain.rise import RISE
from netlens.explain.rule_tree import RuleTree
from netlens.explain.rules import GlobalRules, Rules
from netlens.explain.score_cam import EigenCAM, ScoreCAM
from netlens.explain.tokens import embedded
from netlens.explain.tokens_described import describe_texts
from netlens.explain.tokens_words import text

EXPLAINERS: dict[str, type[Explainer]] = {
    explainer.name: explainer
    for explainer in (
        Saliency,
        GradientXInput,
        NeuronGradient,
        SmoothGrad,
        VarGrad,
        IntegratedGradients,
        ExpectedGradients,
        GuidedBackprop,
        GuidedGradCAM,
        DeepLIFT,
        LRP,
        GradCAM,
        GradCAMPlusPlus,
        LayerCAM,
        ScoreCAM,
        EigenCAM,
        Occlusion,
        KernelSHAP,
        LIME,
        RISE,
        DeepSHAP,
        GradientSHAP,
        PartitionSHAP,
        RuleTree,
        RawAttention,
        AttentionRollout,
        GradientWeightedAttention,
    )
}

__all__ = [
    "EXPLAINERS",
    "LIME",
    "LRP",
    "RISE",
    "AttentionMaps",
    "AttentionRollout",
    "Attribution",
    "DeepLIFT",
    "DeepSHAP",
    "EigenCAM",
    "ExpectedGradients",
    "Explainer",
    "GlobalRules",
    "GradCAM",
    "GradCAMPlusPlus",
    "GradientSHAP",
    "GradientWeightedAttention",
    "GradientXInput",
    "GuidedBackprop",
    "GuidedGradCAM",
    "IntegratedGradients",
    "KernelSHAP",
    "LayerCAM",
    "NeuronGradient",
    "Occlusion",
    "PartitionSHAP",
    "RawAttention",
    "RuleTree",
    "Rules",
    "Saliency",
    "ScoreCAM",
    "SmoothGrad",
    "Target",
    "VarGrad",
    "attention_maps",
    "describe",
    "describe_texts",
    "embedded",
    "text",
]
