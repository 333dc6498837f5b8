#!/usr/bin/env -S python3 -B
"""Usage: book.py build MDBOOK FOLDER
       book.py preprocess [supports RENDERER]

`build` builds the site from docs/ in FOLDER with the program MDBOOK, and checks it. Warnings of mdBook, dead links
and missing anchors are errors. mdBook runs `preprocess` (docs/book.toml), which reads the book from standard input.
"""

import json
import subprocess
import sys
from pathlib import Path

from links import REPOSITORY
from preprocess import preprocess
from html_check import check


def build(mdbook, folder):
    """Builds and checks the site. Returns the exit status."""
    folder = Path(folder).resolve()
    command = [Path(mdbook).resolve(), "build", REPOSITORY / "docs", "--dest-dir", folder]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    messages = built.stdout + built.stderr
    if built.returncode or "WARN" in messages or "ERROR" in messages:
        print(messages, file=sys.stderr)
        return 1
    problems = check(folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def main(arguments):
    match arguments:
        case ["build", mdbook, folder]:
            return build(mdbook, folder)
        case ["preprocess", "supports", renderer]:
            return 0 if renderer == "html" else 1
        case ["preprocess"]:
            _context, book = json.load(sys.stdin)
            json.dump(preprocess(book), sys.stdout)
            return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
