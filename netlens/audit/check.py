"""What a check is: one question to a model, a rule that was written down before, and an answer that knows its evidence.

How to add a check
------------------
1. The measurement goes into `netlens.behaviour` (or `netlens.internals`, `netlens.quality`): numbers in, numbers with an interval out.
   It knows nothing of verdicts.
2. `netlens/audit/checks/NAME.py` holds one `CHECK = Check(...)` and the function `measure(subject, limits) -> Outcome` that it names.
   `subject` gives the model, the data and what is computed once for all checks (`subject.logits`, `subject.performance`,
   `subject.sample(CHECK.size(subject))`); `limits["name"]` gives the thresholds as floats. `Outcome` gives verdict, numbers, the rule in
   words with the thresholds in it, one sentence, and `evidence`: a dict of plain JSON from which figures are drawn.
3. Verdicts come from `judge(...)` on the whole interval. Too few cases is `not_shown(...)`. Nothing is caught: what is missing is named
   in `needs`, and `Check.run` then answers NOT SHOWN with the reason; any other exception is a bug and ends the audit.
4. Sentences are for a reader who never saw a formula, one line, no jargon, numbers computed: `say("Of {n} ...", n=count(n, noun))`, so that
   another language can be added (`netlens.audit.language`). What a sample is called comes from `subject.noun`.
5. Enter it into the literal registry in `netlens/audit/checks/__init__.py`.
6. A figure is a function in `netlens/views/` from the evidence to a `View`; its name goes into `Check.view`. The page of the book is
   written from `what`, `why`, `act`, `beware` and the limits; there is nothing else to write.
7. `tests/audit/checks/test_NAME.py`: silent on clean data, fires on the planted defect, NOT SHOWN when its input is missing, and the sentence.

Codes: NL1xx where it comes from, NL2xx data, NL30x performance, NL35x slices, NL40x confidence, NL45x unfamiliar inputs, NL50x explanations,
NL55x whether they may be believed, NL60x robustness, NL65x attacks, NL70x fairness, NL80x shortcuts, NL85x inside, NL90x privacy,
NL95x change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netlens.audit.finding import Finding, Outcome, not_shown
from netlens.audit.language import say
from netlens.audit.needs import missing

if TYPE_CHECKING:
    from netlens.audit.subject import Subject

AREAS = (
    "provenance",
    "data",
    "performance",
    "slices",
    "confidence",
    "robustness",
    "unfamiliar inputs",
    "fairness",
    "explanations",
    "belief in explanations",
    "shortcuts",
    "inside",
    "privacy",
    "change",
)
PROFILES = ("quick", "standard", "full")
ALL = 0  # in `Check.samples`: every sample of the test split


@dataclass(frozen=True)
class Limit:
    """A threshold and why it is where it is."""

    value: float
    reason: str


@dataclass(frozen=True)
class Check:
    """One question to a model.

    `title` : the good answer as a short claim. `what` : what is measured, and how. `why` : why a reader cares, printed with the verdict.
    `act` : what to do when it fails. `beware` : what not to conclude. `needs` : keys of `netlens.audit.needs.NEEDS`. `samples` : how many
    samples are used in the profiles quick, standard and full; `ALL` for the whole split. `passes` : the cost in forward passes of one sample
    (a backward pass counts as two) when n samples are used. `limits` : the usual thresholds. `view` : the function of `netlens.views` that
    draws the evidence. `reference` : the paper.
    """

    code: str
    title: str
    area: str
    what: str
    why: str
    act: str
    beware: str
    measure: Callable[[Subject, Mapping[str, float]], Outcome]
    needs: tuple[str, ...] = ()
    samples: tuple[int, int, int] = (ALL, ALL, ALL)
    passes: Callable[[int], float] = lambda _: 0
    limits: Mapping[str, Limit] = field(default_factory=dict)
    view: str = ""
    reference: str = ""

    @property
    def page(self) -> str:
        """Where the book speaks of this check."""
        return f"book/checks.html#{self.code.lower()}"

    def planned(self, profile: str, available: int) -> int:
        """How many samples the check uses when `available` are there."""
        wanted = self.samples[PROFILES.index(profile)]
        return available if wanted == ALL else min(wanted, available)

    def size(self, subject: Subject) -> int:
        """How many samples of this subject's test split the check uses."""
        return self.planned(subject.profile, len(subject.test))

    def cost(self, profile: str, available: int) -> float:
        """The cost in forward passes of one sample."""
        return self.passes(self.planned(profile, available))

    def usual(self) -> dict[str, float]:
        """The usual thresholds as plain numbers."""
        return {name: limit.value for name, limit in self.limits.items()}

    def run(self, subject: Subject, limits: Mapping[str, float] | None = None) -> Finding:
        """Answer the question for a subject; without what it needs the answer is NOT SHOWN.

        Parameters
        ----------
        limits : thresholds that differ from the usual ones.
        """
        lacking = missing(self.needs, subject)
        if lacking:
            outcome = not_shown(
                say("not judged, because its input is missing"), " ".join(lacking.values()), missing=tuple(lacking)
            )
        else:
            outcome = self.measure(subject, self.usual() | dict(limits or {}))
        return Finding(code=self.code, title=self.title, area=self.area, reason=self.why, **vars(outcome))
