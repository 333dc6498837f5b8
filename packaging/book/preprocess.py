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


def page_text(path):
    """Returns the text of a page outside of docs/, or None. A directory without README.md gets a list of its files."""
    file = REPOSITORY / path
    if file.is_file():
        return file.read_text(encoding="utf-8")
    if file.name != "README.md" or not file.parent.is_dir():
        return None
    names = sorted(it.name + "/" * it.is_dir() for it in file.parent.iterdir() if it.name[0] not in "._")
    return f"# {posixpath.dirname(path)}\n\n" + "".join(f"- [{name}]({name})\n" for name in names)


def is_added(path):
    """Returns whether a linked file becomes a chapter, although SUMMARY.md cannot contain it."""
    return path.endswith(".md") and not path.startswith("docs/") and page_text(path) is not None


def added_chapter(path):
    """Returns the chapter for a page outside of docs/, and the files that it links to."""
    text = page_text(path)
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
