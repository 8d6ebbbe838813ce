"""Check a report of an audit: its files are whole, its numbers fit together, and, with the model and the data, they come out again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netlens.errors import DataError
from netlens.publish import fingerprints
from netlens.publish.report_files import STAMP, files
from netlens.publish.verified import NAME, OPERATION, Verified, judged, now
from netlens.publish.verifying_pages import embedded, pages

ALONE = Verified(
    "pages",
    "not checked",
    "the numbers inside were looked at, the words on its pages were not: that takes the whole folder of the report",
)


def verify(
    report: str | Path, model: str = "", *, dataset: str = "", data_root: str = "", device: str = "auto", recompute: bool = False
) -> list[Verified]:
    """Verify a report.

    Parameters
    ----------
    report : the folder of a report, or its audit.json, audit.pdf or audit.html. A PDF alone, under any name, is verified by the
        numbers that it holds.
    model : the card, or the tutorial model, that was audited; without it neither weights nor data are looked at.
    recompute : run every check again with the model, and compare each number.

    Raises
    ------
    DataError : there is no audit to verify.
    """
    from netlens.audit.document import parsed, read

    report = Path(report)
    folder = report if report.is_dir() else report.parent
    source = folder / f"{NAME}.json"
    alone = report.suffix.lower() == ".pdf" and not source.is_file()
    content = parsed(embedded(report), source := report) if alone else read(source)
    try:
        printed = [ALONE] if alone else pages(folder, content)
        fit = [*_checks(content), *_findings(content), *_outcome(content), *_answers(content)]
        found = [*([] if alone else _files(folder)), *fit, *printed]
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        problem = f"'{source}' is not what an audit writes ({type(error).__name__}: {error})"
        raise DataError(OPERATION, problem, remedy="Verify it with the version of netlens that made it.") from error
    return [*found, *_with_model(content, model, dataset, data_root, device, recompute=recompute)]


def _files(folder: Path) -> Iterator[Verified]:
    """The files are those that were written together."""
    try:
        said = json.loads((folder / STAMP).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        yield Verified("files", "not checked", f"there is no list of their hashes ({STAMP}) beside them")
        return
    wrong = [f"{name} ({now(folder / name)})" for name in files(NAME) if fingerprints.of_path(folder / name) != said.get(name)]
    yield judged("files", wrong, f"{len(files(NAME))} files have the hashes with which they were written")


def _checks(content: Mapping[str, Any]) -> Iterator[Verified]:
    """Every check has its finding, and the thresholds are those of the policy that provenance names."""
    import netlens
    from netlens.audit.checks import CHECKS
    from netlens.audit.provenance import judged_by

    thresholds, found = content["policy"]["thresholds"], content["findings"]
    asked = dict.fromkeys(row["check"] for row in thresholds)
    asked |= dict.fromkeys(CHECKS) if content["provenance"]["netlens"] == netlens.__version__ else {}
    yield judged("checks", [f"{code} is missing" for code in asked if code not in found], f"all {len(found)} have a finding")
    policy, said = content["policy"], content["provenance"]["policy"]
    wrong = [] if judged_by(policy["use"], thresholds, policy["required"]) == said else ["its thresholds have another hash"]
    yield judged("policy", wrong, "the thresholds have the hash that provenance names")


def _findings(content: Mapping[str, Any]) -> Iterator[Verified]:
    """Each finding has the hash of what it says, and of what it was made from."""
    from netlens.audit.document import SOURCES
    from netlens.audit.provenance import digest

    made_from = {name: content["provenance"][name] for name in SOURCES}
    says, comes = [], []
    for code, finding in content["findings"].items():
        plain = {key: value for key, value in finding.items() if key not in ("inputs", "digest")}
        if finding["digest"] != digest([finding["inputs"], plain]):
            says.append(code)
        limits = {row["threshold"]: row["value"] for row in content["policy"]["thresholds"] if row["check"] == code}
        if finding["inputs"] != digest({**made_from, "limits": limits}):
            comes.append(code)
    yield judged("findings", says, f"{len(content['findings'])} findings have the hash of what they say")
    yield judged("sources", comes, "each finding has the hash of model, data, versions, seed and thresholds")


def _outcome(content: Mapping[str, Any]) -> Iterator[Verified]:
    """The outcome follows from the findings."""
    from netlens.audit.document import findings
    from netlens.audit.outcome import MEANING, exit_code, unshown

    found, required, said = findings(content), content["policy"]["required"], content["outcome"]
    follows, lacking = exit_code(found, required), unshown(found, required)
    wrong = [] if said["exit_code"] == follows else [f"{said['exit_code']} is said, {follows} follows"]
    wrong += [] if said["unshown"] == lacking else [f"{said['unshown']} is said to be unshown, and it is {lacking}"]
    yield judged("outcome", wrong, f"{follows}: {MEANING[follows]}")


def _answers(content: Mapping[str, Any]) -> Iterator[Verified]:
    """The performance follows from the answers."""
    from netlens.audit.document import rounded
    from netlens.behaviour import wilson

    if not content["answers"] or not content["performance"]:
        yield Verified("performance", "not checked", "the report does not hold every answer")
        return
    labels, answers = content["answers"]["labels"], content["answers"]["predictions"]
    classes = content["model"]["classes"]
    confusion = [[0] * len(classes) for _ in classes]
    for label, answer in zip(labels, answers, strict=True):
        confusion[label][answer] += 1
    said, columns = content["performance"], list(zip(*confusion, strict=True))
    rates = [("the accuracy", said["accuracy"], sum(confusion[k][k] for k in range(len(classes))), len(labels))]
    for k, name in enumerate(classes):
        rates.append((f"recall of {name}", said["recall"][name], confusion[k][k], sum(confusion[k])))
        rates.append((f"precision of {name}", said["precision"][name], confusion[k][k], sum(columns[k])))
    wrong = [] if said["confusion"] == confusion else ["the confusion matrix"]
    wrong += [name for name, rate, hits, n in rates if rate != rounded(wilson(hits, n))]
    yield judged("performance", wrong, f"accuracy, recall, precision and confusion follow from the {len(labels):,} answers")


def _with_model(
    content: Mapping[str, Any], model: str, dataset: str, data_root: str, device: str, *, recompute: bool
) -> Iterator[Verified]:
    """The model and the data are those of the report; asked again, they give the same numbers."""
    if not model:
        yield Verified(
            "model and data", "not checked", "give --model CARD to compare fingerprints, and --recompute for every number"
        )
        return
    from netlens.audit import material
    from netlens.audit.provenance import NONE
    from netlens.publish.recomputing import recomputed
    from netlens.trained import obtain

    facts = content["provenance"]
    network, _ = obtain(model, dataset, data_root=data_root, device=device, seed=int(facts["seed"]))
    data = material(network.card, data_root)
    yield _same("weights", network.fingerprint, facts["model fingerprint"])
    yield _same("test data", data.test.fingerprint, facts["test data fingerprint"])
    if network.card:
        yield _same("card", network.card.digest, facts["card digest"])
    yield _same("training data", data.train.fingerprint if data.train else NONE, facts["training data fingerprint"])
    if recompute:
        yield judged(
            "numbers", recomputed(content, network, data), f"{len(content['findings'])} checks, run again, give the same"
        )


def _same(what: str, found: str, said: str) -> Verified:
    wrong = [] if found == said else [f"fingerprint {found[:12]}, the report says {said[:12]}"]
    return judged(what, wrong, f"fingerprint {found[:12]}")
