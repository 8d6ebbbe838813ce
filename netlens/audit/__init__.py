"""Audits: what was measured on a model, in numbers that a machine can check and sentences that a person can read."""

from netlens.audit.audit import Audit, audit
from netlens.audit.check import AREAS, PROFILES, Check, Limit
from netlens.audit.checks import CHECKS
from netlens.audit.finding import VERDICTS, Finding, Outcome
from netlens.audit.material import Material, material
from netlens.audit.policy import USES, Policy, policy
from netlens.audit.subject import Subject

__all__ = [
    "AREAS",
    "CHECKS",
    "PROFILES",
    "USES",
    "VERDICTS",
    "Audit",
    "Check",
    "Finding",
    "Limit",
    "Material",
    "Outcome",
    "Policy",
    "Subject",
    "audit",
    "material",
    "policy",
]
