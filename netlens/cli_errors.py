"""How the command line fails: one clear message on stderr, and the exit code that says what kind of failure it was."""

from __future__ import annotations

import signal
import traceback
from types import FrameType
from typing import Any, NoReturn

import click

from netlens.errors import NetlensError

INTERRUPTED = 130
BROKEN = 5
DEBUG = "netlens.debug"


class Commands(click.Group):
    """A group of commands whose errors are one message; `--debug` adds the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted; the previous site and reports are untouched", err=True)
            ctx.exit(INTERRUPTED)
        except NetlensError as error:
            notes = getattr(error, "__notes__", [])
            _fail(ctx, error, "\n".join([str(error), *notes]), error.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise  # click says these itself
        except PermissionError as error:
            message = f"netlens: '{error.filename}' may not be read or written by you. Change its permissions, or name another."
            _fail(ctx, error, message, NetlensError.exit_code)
        except Exception as error:  # noqa: BLE001 - the last resort: even a bug ends in one message
            message = f"netlens broke: {type(error).__name__}: {error}. Add --debug to see where."
            _fail(ctx, error, message, BROKEN)


def _fail(ctx: click.Context, error: Exception, message: str, code: int) -> NoReturn:
    if ctx.meta.get(DEBUG):
        click.echo("".join(traceback.format_exception(error)), err=True)
    click.echo(message, err=True)
    ctx.exit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Treat a polite request to end like Ctrl-C."""
    raise KeyboardInterrupt


def _remember(ctx: click.Context, _option: click.Parameter, given: bool) -> None:
    if given:
        ctx.meta[DEBUG] = True


debug = click.option(
    "--debug", is_flag=True, expose_value=False, is_eager=True, callback=_remember, help="Show the traceback of an error."
)
