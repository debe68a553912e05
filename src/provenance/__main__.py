"""The command `provenance`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command and exit with the code of the contract."""
    from provenance.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
