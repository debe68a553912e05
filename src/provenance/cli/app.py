"""The command's frame: locale, exit codes, and errors without tracebacks."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import typer

from provenance.cli import output
from provenance.cli.commands import attach, check, compare, demo, formats, identity, rules, schema, verify
from provenance.errors import ProvenanceError

INTERRUPTED: Final = 130
_DEPENDENCY_FAILED: Final = 4
_USAGE: Final = 2

app = typer.Typer(
    name="provenance",
    help="Attach, check and verify content labels. 为内容添加、检查和核验标识。",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("attach")(attach.attach)
app.command("check")(check.check)
app.command("verify")(verify.verify)
app.command("compare")(compare.compare)
app.command("formats")(formats.formats)
app.command("schema")(schema.schema)
app.command("demo")(demo.demo)
app.add_typer(rules.app, name="rules")
app.add_typer(identity.app, name="identity")


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code (contract, section 2)."""
    output.use_utf_8()
    # A service manager's stop must unwind like Ctrl-C, so that nothing half written stays.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = app(list(arguments), standalone_mode=False, prog_name="provenance")
    except ProvenanceError as error:
        output.error(error)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        result = INTERRUPTED
    except typer.TyperException as error:
        output.say("usage-line", text=error.format_message())
        return _USAGE
    except BrokenPipeError:
        # The reader of our output is gone (`| head`): nothing is left to say, and nowhere to say it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DEPENDENCY_FAILED
    if result == INTERRUPTED:
        output.say("interrupted")
    return result if isinstance(result, int) else 0
