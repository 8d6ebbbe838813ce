"""Audit a model: ask every check, judge by a policy, and keep every number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from netlens.audit.checks import CHECKS
from netlens.audit.document import document, write
from netlens.audit.finding import Finding
from netlens.audit.material import Material
from netlens.audit.outcome import exit_code, unshown
from netlens.audit.policy import Policy, policy
from netlens.audit.provenance import provenance
from netlens.audit.subject import Subject
from netlens.models.model import Model
from netlens.quality.stamp import Policy as Rules
from netlens.quality.stamp import Stamp, stamp


@dataclass(frozen=True)
class Audit:
    """All that an audit measured: what was audited, the policy that judged, what each check found, and where it comes from."""

    subject: Subject
    policy: Policy
    findings: Mapping[str, Finding]
    provenance: Mapping[str, str]

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 4 incomplete; see `netlens.audit.outcome`."""
        return exit_code(self.findings.values(), self.policy.required)

    @property
    def unshown(self) -> list[str]:
        """The checks that had to be shown and were not."""
        return unshown(self.findings.values(), self.policy.required)

    @property
    def stamps(self) -> dict[str, Stamp]:
        """What may be believed of each method, by its name: by the thresholds of the checks that ask the same."""
        gap, order, broken = (CHECKS[code].usual() | self.policy.limits(code) for code in ("NL551", "NL552", "NL553"))
        rules = Rules(gap["gap"], order["correlation"], broken["excess"], broken["unsure"])
        ranked = self.subject.ranking.methods if self.subject.ranking else ()
        return {
            one.method: stamp(
                one.attribution, faithfulness=one.faithfulness, stability=one.stability, sanity=one.sanity, policy=rules
            )
            for one in ranked
            if one.attribution is not None
        }

    def of(self, *areas: str) -> tuple[Finding, ...]:
        """What was found in some areas, in the order of the checks."""
        return tuple(finding for finding in self.findings.values() if finding.area in areas)

    def document(self) -> dict[str, Any]:
        """Every number of the report, as it is written to audit.json."""
        return document(self)

    def frame(self) -> pd.DataFrame:
        """The findings as a table, one row a check."""
        columns = {"check": "code", "what it asks": "title", "verdict": "verdict", "what was found": "sentence"}
        return pd.DataFrame([{name: getattr(one, key) for name, key in columns.items()} for one in self.findings.values()])

    def rules(self) -> pd.DataFrame:
        """The rule of each check and the reason for it."""
        return pd.DataFrame(
            [{"check": one.code, "passes when": one.rule, "because": one.reason} for one in self.findings.values()]
        )

    def write(self, folder: str | Path) -> Path:
        """Write audit.json into a folder, whole or not at all.

        Raises
        ------
        OutputError : the folder cannot be written.
        """
        return write(self.document(), folder)


def audit(
    model: Model,
    data: Material,
    *,
    profile: str = "standard",
    judged_by: Policy | None = None,
    seed: int = 0,
    n_worst: int = 6,
    previous: Mapping[str, Any] | None = None,
    checks: Iterable[str] | None = None,
    command: str = "",
) -> Audit:
    """Measure a classifier on data that it has not seen.

    Parameters
    ----------
    data : what there is to test it on, and what it was trained on; `material(model.card)` loads it.
    profile : what may be spent: `quick`, `standard` or `full`; `netlens.audit.budget` says what that costs.
    judged_by : the policy; by default that of the model's card, or `general`.
    seed : of everything random.
    n_worst : how many of the surest wrong answers are explained.
    previous : the document of an earlier audit.
    checks : the codes of the checks to ask; all by default.
    """
    judged_by = (judged_by or policy(card=model.card.policy if model.card else None)).of(CHECKS if checks is None else checks)
    subject = Subject(model, data.test, data.train, profile, seed, previous, n_worst, data.groups_fault)
    asked = [CHECKS[code] for code in judged_by.thresholds]
    return Audit(
        subject=subject,
        policy=judged_by,
        findings={check.code: check.run(subject, judged_by.limits(check.code)) for check in asked},
        provenance=provenance(subject, judged_by, command),
    )
