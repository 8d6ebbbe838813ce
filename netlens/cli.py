"""The command line. There is no logic here: each command reads its options, calls netlens.publish and prints what came back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from netlens import __version__, paths
from netlens.cli_errors import Commands, debug

Assignments = tuple[str, ...]

device = click.option(
    "--device", metavar="auto|cpu|cuda|mps", help="Where networks run; auto takes an accelerator when there is one."
)
dataset = click.option("--dataset", metavar="NAME", help="A data set; `netlens list datasets` names them.")
data_root = click.option("--data-root", metavar="DIR", help="The folder that holds downloaded data sets.")
parameter = click.option(
    "-p", "assignments", metavar="NAME=VALUE", multiple=True, help="A parameter of the notebook; may be repeated."
)
hyperparameter = click.option(
    "-p", "assignments", metavar="NAME=VALUE", multiple=True, help="A hyper-parameter of the method; may be repeated."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="netlens")
@debug
def main() -> None:
    """See what a neural network does, and prove it.

    Exit codes: 0 done; 2 wrong use or bad input; 5 something broke; 130 interrupted. `netlens audit` also: 1 a check failed; 4 incomplete;
    3 warnings, with --strict.
    """


@main.command(short_help="Run what changed, and build the site and the reports.")
@click.option("--only", metavar="NOTEBOOK", default="", help="Run and check this notebook alone.")
@dataset
@data_root
@device
@click.option("--jobs", type=click.IntRange(min=1), help="How many notebooks run at once; by default one a core.")
@parameter
@debug
def build(only: str, jobs: int | None, assignments: Assignments, **named: str | None) -> None:
    """Run all notebooks that changed, and build the site and the reports.

    The site is in _build/html, the reports are in _build/reports.
    """
    from netlens.publish import build as publish

    root = paths.project(publish.OPERATION)
    built = publish.build(root, _given(assignments, publish.OPERATION, **named), only=only, jobs=jobs)
    for line in publish.summary(built, root):
        click.echo(line)


@main.command(short_help="Run one notebook with values of your own.")
@click.argument("notebook")
@click.option("--model", metavar="CARD", help="A tutorial model's name, or the path of a model card.")
@dataset
@data_root
@device
@parameter
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="The folder for the results.")
@click.option("--help-parameters", is_flag=True, help="Show the parameters of the notebook, and run nothing.")
@debug
def run(notebook: str, assignments: Assignments, out: Path | None, help_parameters: bool, **named: str | None) -> None:
    """Run NOTEBOOK, a name, the beginning of one or a path, and leave the executed copy and an HTML page of it."""
    from netlens.publish import deliver, listing
    from netlens.publish.notebook import find

    root = paths.project(deliver.OPERATION)
    if help_parameters:
        for line in listing.parameter_lines(find(root, notebook, deliver.OPERATION)):
            click.echo(line)
        return
    done = deliver.run(root, notebook, _given(assignments, deliver.OPERATION, **named), out)
    for problem in done.problems:
        click.echo(f"note: {problem}", err=True)
    click.echo(done.notebook)
    click.echo(done.page)


@main.command(short_help="Audit models, and write a report of each.")
@click.argument("cards", metavar="CARD...", nargs=-1)
@dataset
@data_root
@device
@click.option("--seed", metavar="N", help="The seed of everything random.")
@parameter
@click.option("--profile", metavar="quick|standard|full", help="What the audit may spend; standard by default.")
@click.option(
    "--policy",
    metavar="NAME|FILE",
    help="What decides: general, medical, finance, driving, or a TOML file with thresholds of your own.",
)
@click.option("--previous", metavar="FILE", help="The audit.json of an earlier audit to compare with.")
@click.option("--self-test", is_flag=True, help="Audit no model: plant known faults here, and see whether the checks catch them.")
@click.option("--strict", is_flag=True, help="Exit with 3 when a check asks for caution.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write each check as a test case, in JUnit XML.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="The folder that receives one folder a model.")
@as_json
@debug
@click.pass_context
def audit(
    ctx: click.Context,
    /,
    cards: Assignments,
    assignments: Assignments,
    self_test: bool,
    strict: bool,
    junit: Path | None,
    out: Path | None,
    as_json: bool,
    **named: str | None,
) -> None:
    """Audit models and write a report of each, as PDF, HTML, JSON and notebook.

    CARD is the name of a tutorial model, or the path of a model card. The reports go to _build/reports/MODEL.

    Exit codes: 1 a check failed; 4 a check that had to be shown was not; 3 with --strict, a check asks for caution; else 0. The first that
    holds counts, over all models.
    """
    from netlens.publish import report, report_outcome

    if self_test:
        _self_test(ctx, named["device"] or "auto", as_json=as_json)
    if not cards:
        raise click.UsageError("Missing argument 'CARD...'.", ctx)
    root = paths.project(report.OPERATION)
    given = _given(assignments, report.OPERATION, **named)
    audited = report.audit(root, cards, given, out, say=lambda text: click.echo(text, err=True))
    for problem in [problem for one in audited for problem in one.problems]:
        click.echo(f"note: {problem}", err=True)
    if junit:
        report_outcome.write_junit(audited, junit, strict=strict)
    rows, lines = report_outcome.rows(audited, strict=strict), report_outcome.lines(audited, strict=strict)
    click.echo(json.dumps(rows, indent=1) if as_json else "\n".join(lines))
    ctx.exit(report_outcome.code(audited, strict=strict))


@main.command(short_help="Compare two models, or two audits.")
@click.argument("before", metavar="CARD_OR_AUDIT")
@click.argument("after", metavar="CARD_OR_AUDIT")
@dataset
@data_root
@device
@click.option("--seed", metavar="N", help="The seed of everything random.")
@parameter
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="The folder of the report.")
@debug
def compare(before: str, after: str, assignments: Assignments, out: Path | None, **named: str | None) -> None:
    """Compare two models on the same samples, or two audits of one model, and write a report: PDF, HTML, JSON and notebook.

    CARD_OR_AUDIT is the name of a tutorial model, the path of a model card, or the audit.json of a report. The report goes to
    _build/comparisons/BEFORE-against-AFTER.
    """
    from netlens.publish import comparing

    root = paths.project(comparing.OPERATION)
    compared = comparing.compare(root, before, after, _given(assignments, comparing.OPERATION, **named), out)
    for problem in compared.problems:
        click.echo(f"note: {problem}", err=True)
    click.echo(compared.summary)
    click.echo(compared.folder / "compare.pdf")


@main.command(short_help="Check a report: is it whole, and do its numbers come out again?")
@click.argument("report", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--model", metavar="CARD", default="", help="The model that was audited: its weights and its data are looked at too."
)
@dataset
@data_root
@device
@click.option("--recompute", is_flag=True, help="With --model: run every check again and compare each number.")
@as_json
@debug
@click.pass_context
def verify(ctx: click.Context, /, report: Path, as_json: bool, **options: Any) -> None:
    """Check a report: that its files are whole, that its numbers fit together, and that model and data are those of the report.

    REPORT is the folder of a report, or a file in it; or a PDF alone, whose numbers lie inside. The exit code is 0 when nothing differs, else 1.
    """
    from netlens.publish import verifying

    found = verifying.verify(report, **{name: value for name, value in options.items() if value is not None})
    rows = [vars(one) for one in found]
    lines = [f"{one.verdict.upper():<12}{one.what}: {one.told}" for one in found]
    click.echo(json.dumps(rows, indent=1) if as_json else "\n".join(lines))
    ctx.exit(1 if any(one.verdict == "differs" for one in found) else 0)


@main.command(short_help="Explain what a model reads in images.")
@click.argument("card")
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option("--method", metavar="NAME", required=True, help="A method; `netlens list methods` names them.")
@click.option(
    "--target", metavar="CLASS", default="", help="The class to explain, by name or index; by default what the model reads."
)
@dataset
@data_root
@device
@click.option(
    "--seed", metavar="N", type=int, default=0, help="The seed of everything random; -p seed=N is that of the method alone."
)
@hyperparameter
@click.option("--resize", is_flag=True, help="Stretch image files to the size that the model takes.")
@click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), help="The folder for the results; an older one is replaced."
)
@as_json
@debug
def explain(card: str, inputs: Assignments, assignments: Assignments, as_json: bool, **options: Any) -> None:
    """Explain what a model reads in images, rows of a table or texts: a picture, the numbers, and what they say in a sentence.

    CARD is the name of a tutorial model, or the path of a model card. INPUT is a PNG or JPEG file, a .npy or .npz array of raw images,
    or positions in the model's data set such as test:5 and test:0-3. For a model of texts it is a sentence in quotes, or a .txt file with
    one text a line.

    The results go to _build/explanations/MODEL-METHOD in a project, else to explanations/MODEL-METHOD. Where values do not add up to what
    they should, a note says so, and the picture is stamped; the exit code stays 0.
    """
    from netlens.publish import explaining
    from netlens.publish.parameters import split

    options = {name: value for name, value in options.items() if value is not None}
    method, given = options.pop("method"), split(assignments, explaining.OPERATION)
    explained = explaining.explain(card, inputs, method, given, **options)
    for note in explained.notes:
        click.echo(f"note: {note}", err=True)
    for line in [json.dumps(explained.summary, indent=1)] if as_json else [*explained.sentences, *explained.files]:
        click.echo(line)


@main.group(short_help="Write a card for a model of your own, and check it.")
def card() -> None:
    """Write a card for a model of your own, and check it."""


@card.command("new", short_help="Write a card that runs.")
@click.argument("path", metavar="CARD.toml", type=click.Path(path_type=Path))
@click.option("--weights", metavar="FILE", help="The weights, or a TorchScript or exported network.")
@click.option("--factory", metavar="FILE:NAME", help="The function that makes the network: file.py:name or package.module:name.")
@click.option("--torchvision", metavar="NAME", help="A classifier of torchvision.")
@click.option("--timm", metavar="NAME", help="A classifier of timm.")
@click.option("--huggingface", metavar="NAME", help="A classifier of Hugging Face, by name or folder.")
@click.option(
    "--data", "source", metavar="SOURCE", help="The data to test on: a folder of images, a file, or the name of a data set."
)
@click.option("--train", metavar="SOURCE", help="The data that it was trained on.")
@click.option("--classes", metavar="A,B,...", help="The names of the classes, in the order of the logits.")
@click.option("--mean", metavar="M,...", help="What is subtracted from each channel.")
@click.option("--std", metavar="S,...", help="What each channel is divided by.")
@click.option("--name", metavar="NAME", help="What reports call the model.")
@click.option("--purpose", metavar="TEXT", help="What the model is for.")
@click.option("-p", "assignments", metavar="KEY=VALUE", multiple=True, help="Any other key of a card; may be repeated.")
@click.option("--force", is_flag=True, help="Replace an older card.")
@data_root
@device
@debug
def card_new(
    path: Path, assignments: Assignments, force: bool, device: str | None, data_root: str | None, **named: str | None
) -> None:
    """Look at a model and its data, ask for what they do not tell, and write a commented card if it runs."""
    from netlens.publish import card_check, card_new
    from netlens.publish.parameters import merge

    given = merge(assignments, named, card_new.OPERATION)
    ask = _ask if sys.stdin.isatty() else None
    written = card_new.new(path, given, ask, device=device or "auto", data_root=data_root or "", force=force)
    for note in (*written.notes, *written.checked.notes, *written.checked.warnings):
        click.echo(f"note: {note}", err=True)
    for line in [*card_check.lines(written.checked), str(written.path)]:
        click.echo(line)


@card.command("check", short_help="Load the model of a card, and say what there is.")
@click.argument("path", metavar="CARD.toml")
@click.option(
    "--samples", type=click.IntRange(min=1), default=100, show_default=True, help="How many to measure the accuracy on."
)
@data_root
@device
@as_json
@debug
def card_check(path: str, samples: int, device: str | None, data_root: str | None, as_json: bool) -> None:
    """Load the model of a card, run it on samples of its data, and say what there is and what looks wrong."""
    from netlens.publish import card_check

    checked = card_check.check(path, samples=samples, device=device or "auto", data_root=data_root or "")
    for note in (*checked.notes, *checked.warnings):
        click.echo(f"note: {note}", err=True)
    for line in [json.dumps(checked.record, indent=1)] if as_json else card_check.lines(checked):
        click.echo(line)


@main.command("list")
@click.argument("what", type=click.Choice(["notebooks", "methods", "datasets", "models", "checks"]))
@as_json
@debug
def list_(what: str, as_json: bool) -> None:
    """List what netlens knows by name."""
    from netlens.publish import listing

    rows = listing.rows(what)
    click.echo(json.dumps(rows, indent=1) if as_json else "\n".join(listing.lines(what, rows)))


@main.command(short_help="Look for what is missing on this machine.")
@data_root
@as_json
@debug
@click.pass_context
def doctor(ctx: click.Context, data_root: str | None, as_json: bool) -> None:
    """Look at this machine, and name the command that mends what is missing.

    The exit code is 0 when everything needed is there, else 5.
    """
    from netlens.publish import doctor as medicine

    checks = medicine.examine(data_root or "")
    click.echo(json.dumps(medicine.rows(checks), indent=1) if as_json else "\n".join(medicine.lines(checks)))
    ctx.exit(0 if medicine.healthy(checks) else 5)


def _ask(question: str, default: str) -> str:
    return str(click.prompt(question, default=default, show_default=bool(default)))


def _self_test(ctx: click.Context, where: str, *, as_json: bool) -> None:
    from netlens.audit import self_test

    result = self_test.self_test(range(10), where)
    click.echo(result.by_check().to_json(orient="records", indent=1) if as_json else "\n".join(self_test.lines(result)))
    ctx.exit(0 if result.passed else 1)


def _given(assignments: Assignments, operation: str, **named: Any) -> dict[str, str]:
    from netlens.publish.parameters import merge

    return merge(assignments, named, operation)


if __name__ == "__main__":
    main()
