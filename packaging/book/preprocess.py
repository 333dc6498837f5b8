"""The preprocessor of the book: rewrites links, and adds the pages outside of docs/ that the book links to."""

import posixpath

from links import REPOSITORY, location, rewrite, title


def chapters(items):
    """Yields each chapter with a page, including nested ones."""
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter is None:
            continue
        if chapter.get("source_path"):
            yield chapter
        yield from chapters(chapter["sub_items"])


def is_added(path):
    """Returns whether a linked file becomes a chapter, although SUMMARY.md cannot contain it."""
    return path.endswith(".md") and not path.startswith("docs/") and (REPOSITORY / path).is_file()


def added_chapter(path):
    """Returns the chapter for a page outside of docs/, and the files that it links to."""
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    content, targets = rewrite(text, path)
    chapter = {
        "name": title(text),
        "content": content,
        "number": None,
        "sub_items": [],
        "path": location(path),
        "source_path": posixpath.join("..", path),
        "parent_names": [],
    }
    return chapter, targets


def preprocess(book):
    """Changes a book in mdBook's format: its links, and its chapters outside of docs/."""
    wanted = set()
    for chapter in chapters(book["items"]):
        chapter["content"], targets = rewrite(chapter["content"], posixpath.join("docs", chapter["source_path"]))
        wanted |= targets
    added = {}
    while todo := sorted(path for path in wanted if is_added(path) and path not in added):
        for path in todo:
            added[path], targets = added_chapter(path)
            wanted |= targets
    if added:
        book["items"].append({"PartTitle": "Files of the repository"})
        book["items"] += [{"Chapter": added[path]} for path in sorted(added)]
    return book
