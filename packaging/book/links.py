"""Rewrites the links of Markdown pages from paths in the repository to paths in the site.

In the site, `docs/PAGE` is `PAGE`, and every other file of the repository is `repository/FILE`. mdBook renders
README.md as index.html, so its pages are named index.md here.
"""

import posixpath
import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# The target of an inline link or image.
TARGET = re.compile(r"(?<=\]\()[^()\s]+(?=\))")
# The first line of a code block, and its last line.
FENCE = re.compile(r"\s*```")
# A code span. A target in it is not a link.
CODE_SPAN = re.compile(r"`[^`\n]+`")


def is_external(link):
    """Returns whether the link has a scheme, such as https: or mailto:."""
    return re.match(r"[a-z][a-z0-9+.-]*:", link) is not None


def resolve(link, page):
    """Returns the file in the repository that a link of `page` points to, and the anchor with its `#` or "".

    A directory stands for its README.md. Returns None as the file of an external link.
    """
    if is_external(link):
        return None, ""
    file, hash_sign, anchor = link.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), file)) if file else page
    if (REPOSITORY / path).is_dir():
        path = posixpath.join(path, "README.md")
    return path, hash_sign + anchor


def location(path):
    """Returns the path in the site for a path in the repository."""
    place = path.removeprefix("docs/") if path.startswith("docs/") else f"repository/{path}"
    directory, name = posixpath.split(place)
    return posixpath.join(directory, "index.md" if name == "README.md" else name)


def rewrite(text, page):
    """Returns the text of `page` with links for the site, and the files in the repository that it links to."""
    targets = set()
    start = posixpath.dirname(location(page)) or "."

    def site_link(link):
        path, anchor = resolve(link, page)
        if path is None:
            return link
        targets.add(path)
        if path == page and anchor:
            return anchor
        return posixpath.relpath(location(path), start) + anchor

    def line_with_site_links(line):
        spans = [span.span() for span in CODE_SPAN.finditer(line)]

        def replacement(match):
            is_code = any(first <= match.start() and match.end() <= last for first, last in spans)
            return match[0] if is_code else site_link(match[0])

        return TARGET.sub(replacement, line)

    lines = []
    is_code = False
    for line in text.split("\n"):
        is_fence = FENCE.match(line) is not None
        is_code ^= is_fence
        lines.append(line if is_code or is_fence else line_with_site_links(line))
    return "\n".join(lines), targets


def title(text):
    """Returns the first heading of a page."""
    return next(line.lstrip("# ") for line in text.split("\n") if line.startswith("# "))
