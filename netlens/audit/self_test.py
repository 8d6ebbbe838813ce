"""The audit audits itself: faults are planted on this machine, and each must be caught, while a clean model is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from netlens.audit.checks import CHECKS
from netlens.audit.finding import SEVERITY, Finding, Verdict
from netlens.audit.language import say
from netlens.audit.numbers import count
from netlens.audit.planting import FAULTS, Fault, World, clean_world
from netlens.audit.subject import Subject
from netlens.devices import choose

CODES = tuple(dict.fromkeys(code for fault in FAULTS for code in fault.checks))


@dataclass(frozen=True)
class Trial:
    """One fault that was planted: what its checks said before and after, in the order of `fault.checks`."""

    fault: Fault
    clean: tuple[Finding, ...]
    planted: tuple[Finding, ...]

    @property
    def caught_by(self) -> tuple[str, ...]:
        """The checks that fail or warn about the faulty model and were milder with the clean one."""
        return tuple(
            after.code
            for before, after in zip(self.clean, self.planted, strict=True)
            if after.verdict in ("FAIL", "WARN") and SEVERITY.index(after.verdict) < SEVERITY.index(before.verdict)
        )


@dataclass(frozen=True)
class SelfTest:
    """What was planted and caught, and the verdicts on clean models: `clean[k]` holds those of the k-th, by code."""

    trials: tuple[Trial, ...]
    clean: tuple[dict[str, Verdict], ...]

    @property
    def missed(self) -> tuple[str, ...]:
        """The faults that no check caught."""
        return tuple(trial.fault.name for trial in self.trials if not trial.caught_by)

    @property
    def false_alarms(self) -> int:
        """How often a check failed a clean model."""
        return sum(verdict == "FAIL" for verdicts in self.clean for verdict in verdicts.values())

    @property
    def passed(self) -> bool:
        """Whether every fault was caught, with at most one false alarm."""
        return not self.missed and self.false_alarms <= 1

    def frame(self) -> pd.DataFrame:
        """One row a fault."""
        rows = [
            {
                "planted": trial.fault.name,
                "what it is": trial.fault.about,
                "checks": " ".join(trial.fault.checks),
                "before": " ".join(one.verdict for one in trial.clean),
                "after": " ".join(one.verdict for one in trial.planted),
                "caught by": " ".join(trial.caught_by) or "nothing",
            }
            for trial in self.trials
        ]
        return pd.DataFrame(rows)

    def by_check(self) -> pd.DataFrame:
        """One row a fault and check, for a picture."""
        rows = [
            {
                "planted": trial.fault.name,
                "what it is": trial.fault.about,
                "check": before.code,
                "before": before.verdict,
                "after": after.verdict,
                "caught": before.code in trial.caught_by,
            }
            for trial in self.trials
            for before, after in zip(trial.clean, trial.planted, strict=True)
        ]
        return pd.DataFrame(rows)

    def summary(self) -> str:
        """Say what was caught and missed, and how many false alarms there were."""
        caught = len(self.trials) - len(self.missed)
        said = say("Of {n} planted, {caught} caught.", n=count(len(self.trials), "fault"), caught=str(caught))
        if self.missed:
            said += " " + say("Missed: {list}.", list=", ".join(self.missed))
        questions = sum(len(verdicts) for verdicts in self.clean)
        return f"{said} " + say(
            "Of {n}, {questions} were asked in all: {alarms}.",
            n=count(len(self.clean), say("clean model")),
            questions=count(questions, "question"),
            alarms=count(self.false_alarms, "false alarm"),
        )


def self_test(seeds: Sequence[int] = (0,), device: str = "auto") -> SelfTest:
    """Plant each fault, with the first seed, and leave a model alone for every seed.

    Notes
    -----
    Cost: a training of a small network on 1,438 images of 8 x 8 pixels for each seed, three more for the faults that are trained in, and
    the checks that they are for: half a minute, and some seconds for each further seed, on two cores.
    """
    where = choose(device, "self-test")
    world = clean_world(seeds[0], where)
    before = ask(world.subject())
    trials = tuple(_trial(fault, world, before) for fault in FAULTS)
    clean = [{code: one.verdict for code, one in before.items()}]
    clean += [{code: one.verdict for code, one in ask(clean_world(seed, where).subject()).items()} for seed in seeds[1:]]
    return SelfTest(trials, tuple(clean))


def ask(subject: Subject, codes: Sequence[str] = CODES) -> dict[str, Finding]:
    """Ask some checks about a subject."""
    return {code: CHECKS[code].run(subject) for code in codes}


def _trial(fault: Fault, world: World, before: dict[str, Finding]) -> Trial:
    after = ask(fault.plant(world), fault.checks)
    return Trial(fault, tuple(before[code] for code in fault.checks), tuple(after.values()))


def lines(result: SelfTest) -> Iterator[str]:
    """The table for a terminal."""
    table = result.frame()[["planted", "checks", "before", "after", "caught by"]]
    yield from table.to_string(index=False).splitlines()
    yield result.summary()
