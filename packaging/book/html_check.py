"""Completes and checks the built site: links, anchors, and requests to other servers."""

import posixpath
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from links import REPOSITORY, is_external, location

# Attributes that make a browser load something, and links that a user clicks.
RESOURCES = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("object", "data")}
HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


class Page(HTMLParser):
    """The anchors, links and resources of an HTML page."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.resources = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif tag == "a" and name == "href":
                self.links.append(value)
            elif (tag, name) in RESOURCES:
                self.resources.append(value)


def read_pages(site):
    """Returns each page of the site by its path. 404.html is skipped: its links are relative to the server."""
    files = sorted(file for file in site.rglob("*.html") if file.name != "404.html")
    return {file.relative_to(site).as_posix(): Page(file.read_text(encoding="utf-8")) for file in files}


def target_of(link, page):
    """Returns the path in the site that a link of `page` points to, and its anchor or ""."""
    path, _, anchor = link.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path))) if path else page
    return path, unquote(anchor)


def copy_repository_files(site, pages):
    """Copies the files of the repository to which pages link, such as manifests and examples."""
    for name, page in pages.items():
        for link in page.links + page.resources:
            if is_external(link):
                continue
            path, _ = target_of(link, name)
            source = REPOSITORY / path.removeprefix("repository/")
            if path.startswith("repository/") and source.is_file() and not (site / path).exists():
                (site / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, site / path)


def internal_problems(site, pages):
    """Returns the dead links, the missing anchors and the requests to other servers."""
    problems = []
    for name, page in pages.items():
        foreign = (it for it in page.resources if is_external(it) and not it.startswith("data:"))
        problems += [f"{name}: loads {it} from another server" for it in foreign]
        for link in page.links + page.resources:
            if is_external(link):
                continue
            path, anchor = target_of(link, name)
            if not (site / path).is_file():
                problems.append(f"{name}: dead link {link}")
            elif anchor and (path not in pages or anchor not in pages[path].anchors):
                problems.append(f"{name}: no heading for the anchor of {link}")
    return problems


def pages_outside_of_the_summary(site):
    """Returns the pages in docs/ that the site does not contain."""
    sources = sorted(it.relative_to(REPOSITORY).as_posix() for it in (REPOSITORY / "docs").rglob("*.md"))
    missing = (it for it in sources if not (site / location(it)).with_suffix(".html").is_file())
    return [f"docs/SUMMARY.md: add a line for {it}" for it in missing if it != "docs/SUMMARY.md"]


def external_links(pages):
    """Returns all links to other servers, sorted."""
    return sorted({link for page in pages.values() for link in page.links if is_external(link)})


def external_problems(links):
    """Returns the external links that are not HTTPS URLs with a valid host name. Sends no requests."""
    problems = []
    for link in links:
        url = urlsplit(link)
        is_valid = url.scheme == "https" and url.port is None and HOST.fullmatch(url.netloc)
        if not is_valid or re.search(r"[\s<>\"`{}|\\]", link) or link[-1] in ".,;:":
            problems.append(f"invalid external link {link}")
    return problems


def check(site):
    """Completes the site, writes external-links.txt beside it, and returns the problems."""
    site = Path(site)
    pages = read_pages(site)
    copy_repository_files(site, pages)
    links = external_links(pages)
    site.with_name("external-links.txt").write_text("".join(f"{link}\n" for link in links), encoding="utf-8")
    problems = internal_problems(site, pages) + pages_outside_of_the_summary(site) + external_problems(links)
    if not problems:
        count = sum(len(page.links) for page in pages.values())
        print(f"{len(pages)} pages, {count} links, {len(links)} external links (only their syntax was checked)")
    return problems
