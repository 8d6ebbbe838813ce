"""How well a model does its work, and where it fails, with the uncertainty that the number of samples leaves."""

from netlens.behaviour.adversarial import Attack, Attacks, adversarial
from netlens.behaviour.auroc import Auroc, auroc
from netlens.behaviour.brier import Brier, WorstBin, brier, worst_bin
from netlens.behaviour.calibration import Calibration, calibration
from netlens.behaviour.change import Change, change
from netlens.behaviour.corruptions import CORRUPTIONS, Corruption, corrupt, corruptions
from netlens.behaviour.fairness import Fairness, Gap, fairness
from netlens.behaviour.generalisation import Drop, generalisation
from netlens.behaviour.intervals import Rate, wilson
from netlens.behaviour.label_issues import LabelIssues, label_issues
from netlens.behaviour.leakage import Leakage, leakage
from netlens.behaviour.masking import Masked, masking
from netlens.behaviour.membership import Membership, losses, membership
from netlens.behaviour.nuisances import nuisances, thirds
from netlens.behaviour.paired import Paired, paired
from netlens.behaviour.performance import Performance, performance
from netlens.behaviour.selective import Selective, selective
from netlens.behaviour.shortcuts import Told, border_relevance, of_corners, told_by
from netlens.behaviour.slices import Slice, Slices, slices
from netlens.behaviour.unfamiliar import Unfamiliar, junk, unfamiliar
from netlens.behaviour.unpaired import Unpaired, unpaired

__all__ = [
    "CORRUPTIONS",
    "Attack",
    "Attacks",
    "Auroc",
    "Brier",
    "Calibration",
    "Change",
    "Corruption",
    "Drop",
    "Fairness",
    "Gap",
    "LabelIssues",
    "Leakage",
    "Masked",
    "Membership",
    "Paired",
    "Performance",
    "Rate",
    "Selective",
    "Slice",
    "Slices",
    "Told",
    "Unfamiliar",
    "Unpaired",
    "WorstBin",
    "adversarial",
    "auroc",
    "border_relevance",
    "brier",
    "calibration",
    "change",
    "corrupt",
    "corruptions",
    "fairness",
    "generalisation",
    "junk",
    "label_issues",
    "leakage",
    "losses",
    "masking",
    "membership",
    "nuisances",
    "of_corners",
    "paired",
    "performance",
    "selective",
    "slices",
    "thirds",
    "told_by",
    "unfamiliar",
    "unpaired",
    "wilson",
    "worst_bin",
]
