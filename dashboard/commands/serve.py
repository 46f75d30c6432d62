"""`pneumowatch serve`: the web application, until stopped."""

import argparse
import sys

PUBLIC = """\
WARNING: {host} can be reached from other machines, and this version has no accounts.
WARNING: anyone who reaches it can read every page. It therefore shows what the public
WARNING: audience may see: small numbers are withheld. Accounts come in a later release.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="default 127.0.0.1")
    parser.add_argument("--port", default=8050, type=int, metavar="P", help="default 8050")


def run(args: argparse.Namespace) -> int:
    from dashboard.server import is_loopback, serve

    if not is_loopback(args.host):
        sys.stderr.write(PUBLIC.format(host=args.host))
    serve(args.home, args.host, args.port, started=announce)
    return 0


def announce(address: str) -> None:
    """Says where the pages are."""
    print(f"PneumoWatch is at {address} (Ctrl+C stops it)", file=sys.stderr, flush=True)
