"""`python -m backproplint` and the installed command."""

import sys


def main() -> None:
    """Run the command line; the process exits with its status (0, 1 or 2)."""
    from backproplint.cli import cli  # deferred: `python -m backproplint.dev` needs no command line

    sys.exit(cli())


if __name__ == "__main__":
    main()
