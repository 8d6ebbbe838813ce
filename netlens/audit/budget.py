"""What an audit costs before it runs: forward passes of one sample, and about how long they take here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from netlens.audit.check import PROFILES, Check
from netlens.data import Dataset
from netlens.errors import unknown
from netlens.models.model import Model

PILOT = 128
RUNS, PATIENCE = 8, 2.0  # at most so many runs, and seconds


@dataclass(frozen=True)
class Budget:
    """The cost of each check in forward passes of one sample, and the seconds that one pass takes (NaN when nobody tried)."""

    profile: str
    passes: Mapping[str, float]
    seconds_a_pass: float = float("nan")

    @property
    def total(self) -> float:
        """All checks together."""
        return sum(self.passes.values())

    @property
    def seconds(self) -> float:
        """The time for all passes."""
        return self.total * self.seconds_a_pass

    def told(self) -> str:
        """Say the price of the audit."""
        cost = f"profile {self.profile}: about {rounded(self.total)} forward passes for {len(self.passes)} checks"
        if self.seconds_a_pass != self.seconds_a_pass:
            return cost
        return f"{cost}, about {duration(self.seconds)} on this machine"


def budget(profile: str, n_test: int, checks: Mapping[str, Check] | None = None, seconds_a_pass: float = float("nan")) -> Budget:
    """Add up what the checks cost on `n_test` test samples.

    Raises
    ------
    UsageError : there is no such profile.
    """
    from netlens.audit.checks import CHECKS

    if profile not in PROFILES:
        raise unknown("audit", "profile", profile, PROFILES)
    checks = CHECKS if checks is None else checks
    return Budget(profile, {code: check.cost(profile, n_test) for code, check in checks.items()}, seconds_a_pass)


def applicable(modality: str) -> dict[str, Check]:
    """The checks that data of this kind can be asked; the others cost nothing."""
    from netlens.audit.checks import CHECKS

    idle = {"image": set(), "table": {"images"}}.get(modality, {"images", "gradients", "continuous inputs"})
    return {code: check for code, check in CHECKS.items() if not idle & set(check.needs)}


def pilot(model: Model, test: Dataset) -> float:
    """Seconds that one sample takes: the best of several runs on a few samples, for the first ones warm up and a busy machine disturbs."""
    inputs = test.take(min(PILOT, len(test))).inputs
    times: list[float] = []
    while len(times) < 2 or (len(times) < RUNS and sum(times) < PATIENCE):
        start = time.perf_counter()
        model.logits(inputs)
        times.append(time.perf_counter() - start)
    return min(times) / len(inputs)


def rounded(number: float) -> str:
    """Write a number with two digits that count: 74,812 -> '75,000'."""
    return f"{int(float(f'{number:.2g}')):,}"


def duration(seconds: float) -> str:
    """Say how long in words: '40 seconds', '3 minutes'."""
    if seconds < 90:
        whole = max(1, round(seconds))
        return f"{whole} second{'' if whole == 1 else 's'}"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
