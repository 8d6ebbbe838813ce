"""Audits: what was measured on a model, in numbers that a machine can check and sentences that a person can read."""

from netlens.audit.audit import Audit, audit
from netlens.audit.findings import VERDICTS, Finding

__all__ = ["VERDICTS", "Audit", "Finding", "audit"]
