"""Build everything: plan, run what is missing, gate, report, site."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from netlens.errors import UsageError, unknown
from netlens.publish import gate, report, report_files, stored
from netlens.publish import notebook as nb
from netlens.publish.atomic import new_folder, sweep
from netlens.publish.lock import only_build
from netlens.publish.parameters import declared
from netlens.publish.plan import BUILD, Plan, plan
from netlens.publish.progress import progress
from netlens.publish.run import missing, run_all

OPERATION = "netlens build"


@dataclass(frozen=True)
class Built:
    """What a build made: the notebooks that ran, the first page of the site (None when it was left as it is), the reports."""

    ran: tuple[str, ...]
    waiting: tuple[str, ...]
    site: Path | None
    reports: dict[str, Path]


def build(project: Path, given: Mapping[str, str], *, only: str = "", jobs: int | None = None) -> Built:
    """Run all notebooks that changed, and publish the site and the reports.

    Parameters
    ----------
    given : texts for parameters; each goes to every notebook that declares it.
    only : run and gate this notebook alone; the site follows when all others are up to date.
    jobs : how many notebooks run at once; by default one a core.

    Raises
    ------
    NetlensError : something is wrong. The site and the reports are then as they were.
    """
    plans = plan_all(project, given)
    chosen = nb.find(project, only, OPERATION).stem if only else ""
    if chosen and chosen not in (names := [one.name for one in plans]):
        raise unknown(OPERATION, "notebook", only, names)
    with only_build(project, OPERATION):
        sweep(project / BUILD)
        todo = {one.name for one in missing(plans, progress(0))}
        waiting = tuple(sorted(todo - {chosen})) if chosen else ()
        done = run_all([one for one in plans if one.name not in waiting], OPERATION, jobs)
        gate.enforce([fault for one in done for fault in _faults(one)], OPERATION)
        ran = tuple(sorted(todo.difference(waiting)))
        if waiting:
            return Built(ran, waiting, None, {})
        return Built(ran, (), *_publish(project, done))


def summary(built: Built, project: Path) -> list[str]:
    """What a reader wants to know of a build, in lines."""
    notebooks = "1 notebook" if len(built.ran) == 1 else f"{len(built.ran)} notebooks"
    lines = [f"{notebooks} ran: {', '.join(built.ran)}" if built.ran else "every notebook was up to date"]
    if built.waiting:
        lines.append(f"the site was left as it is, because these changed too: {', '.join(built.waiting)}; run `netlens build`")
    shown = [built.site] if built.site else []
    shown += [folder / "audit.pdf" for folder in built.reports.values()]
    return lines + [str(path.relative_to(project)) for path in shown]


def plan_all(project: Path, given: Mapping[str, str]) -> list[Plan]:
    """Plan every notebook, with each given parameter for those that declare it.

    Raises
    ------
    UsageError : there are no notebooks, or none declares a given parameter.
    """
    notebooks = nb.all_notebooks(project)
    if not notebooks:
        raise UsageError(OPERATION, f"'{project / nb.FOLDER}' holds no notebook", expected="at least one .ipynb file")
    known = {path: declared(path, OPERATION) for path in notebooks}
    names = sorted({name for parameters in known.values() for name in parameters})
    for name in given:
        if name not in names:
            raise unknown(OPERATION, "parameter", name, names)
    return [
        plan(project, path, {name: text for name, text in given.items() if name in parameters}, OPERATION)
        for path, parameters in known.items()
    ]


def _faults(done: Plan) -> list[gate.Problem]:
    return gate.check(done.name, done.folder / stored.COPY, done.project, OPERATION)


def _publish(project: Path, done: list[Plan]) -> tuple[Path, dict[str, Path]]:
    """Write the reports and the site. The new reports take the place of the old ones once the site is whole."""
    from netlens.publish.site import build_site

    executed = {one.name: one.folder / stored.COPY for one in done}
    folders: dict[str, Path] = {}
    shown: dict[str, Path] = {}
    with ExitStack() as stack:
        for audited in (one for one in done if one.name == report.NOTEBOOK):
            name = report.slug(str(audited.values["model"]))
            folders[name] = shown[name] = report.reports_folder(project) / name
            if not report_files.fresh(audited, folders[name]):
                shown[name] = stack.enter_context(new_folder(folders[name], OPERATION))
                report_files.write(audited, shown[name], OPERATION)
        page = build_site(project, executed, project / BUILD / "html", reports=shown)
    return page, folders
