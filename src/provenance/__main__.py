"""The command `provenance`."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command and exit with the code of the contract."""
    try:
        from provenance.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        # Modules were still being loaded: the command's own frame was not there yet to say it.
        code = _interrupted()
    sys.exit(code)


def _interrupted() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from provenance._messages import message
    from provenance.cli.locale import default_locale

    sys.stderr.write(message("interrupted", default_locale(), {}) + "\n")
    return 130


if __name__ == "__main__":
    main()
