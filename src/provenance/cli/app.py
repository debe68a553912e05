"""The command's frame: locale, exit codes, and errors without tracebacks."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import typer

from provenance.cli import output
from provenance.cli.commands import (
    attach,
    check,
    compare,
    declare,
    demo,
    formats,
    identity,
    notice,
    rules,
    schema,
    sources,
    trust,
    verify,
)
from provenance.errors import ProvenanceError

INTERRUPTED: Final = 130
_DEPENDENCY_FAILED: Final = 4
_USAGE: Final = 2

app = typer.Typer(
    name="provenance",
    help="Attach, check and verify content labels. 为内容添加、检查和核验标识。",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.callback(invoke_without_command=True)(output.help_without_command)
app.command("attach", short_help="Attach labels. 添加标识。")(attach.attach)
app.command("check", short_help="May it be published? 发布前检查。")(check.check)
app.command("verify", short_help="What do files say? 核验文件。")(verify.verify)
app.command("compare", short_help="What was lost? 比较前后文件。")(compare.compare)
app.command("declare", short_help="What to declare. 平台声明选哪一项。")(declare.declare)
app.command("formats", short_help="List containers. 列出格式。")(formats.formats)
app.command("schema", short_help="Print a JSON Schema. 打印结构。")(schema.schema)
app.command("demo", short_help="See it work. 演示全过程。")(demo.demo)
app.add_typer(notice.app, name="notice", short_help="See notices first. 预览标识。")
app.add_typer(rules.app, name="rules", short_help="Look at the rules. 查看规则。")
app.add_typer(sources.app, name="sources", short_help="List of news sources. 稿源名单。")
app.add_typer(identity.app, name="identity", short_help="Make and inspect identities. 生成和查看签名身份。")
app.add_typer(trust.app, name="trust", short_help="Authorities to trust. 信任的签发机构。")


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code (contract, section 2)."""
    output.use_utf_8()
    output.use_language_of(arguments)
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
