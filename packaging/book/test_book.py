"""Tests of the preprocessor and of the check of the built site."""

import tempfile
import unittest
from pathlib import Path

from html_check import Page, copy_repository_files, external_problems, internal_problems, read_pages
from links import location, resolve, rewrite, title
from preprocess import page_text, preprocess


class Links(unittest.TestCase):
    def test_files_outside_of_docs_are_below_repository(self):
        self.assertEqual(location("docs/start/ami.md"), "start/ami.md")
        self.assertEqual(location("docs/README.md"), "index.md")
        self.assertEqual(location("ami/README.md"), "repository/ami/index.md")
        self.assertEqual(location("packaging/rbac.yaml"), "repository/packaging/rbac.yaml")

    def test_a_directory_is_its_readme(self):
        self.assertEqual(resolve("../packaging/", "docs/files.md"), ("packaging/README.md", ""))
        self.assertEqual(resolve("decisions/#a", "docs/README.md"), ("docs/decisions/README.md", "#a"))

    def test_links_become_links_of_the_site(self):
        text = "[a](../../ami/README.md#packer), [b](../files.md), [c](#here), [d](ami.md#x), [e](https://a.example/b)"
        expected = (
            "[a](../repository/ami/index.md#packer), [b](../files.md), [c](#here), [d](#x), [e](https://a.example/b)"
        )
        targets = {"ami/README.md", "docs/files.md", "docs/start/ami.md"}
        self.assertEqual(rewrite(text, "docs/start/ami.md"), (expected, targets))

    def test_links_of_an_added_page_lead_back_to_docs(self):
        text = "[a](../docs/files.md#b)\n[c](packer/image.pkr.hcl)"
        expected = "[a](../../files.md#b)\n[c](packer/image.pkr.hcl)"
        self.assertEqual(rewrite(text, "ami/README.md")[0], expected)

    def test_code_is_unchanged(self):
        text = "```text\n[a](../x.md)\n```\n`[b](../y.md)` and [c](z.md)"
        self.assertEqual(rewrite(text, "ami/README.md"), (text, {"ami/z.md"}))

    def test_the_title_is_the_first_heading(self):
        self.assertEqual(title("<!-- a -->\n# The *title*\n\n## Next"), "The *title*")


class Preprocessor(unittest.TestCase):
    def test_linked_pages_of_the_repository_become_chapters(self):
        content = "[systemd](../systemd/README.md)"
        chapter = {"name": "a", "content": content, "sub_items": [], "source_path": "files.md"}
        draft = {"name": "b", "content": "", "sub_items": [], "source_path": None}
        book = preprocess({"items": [{"Chapter": chapter}, "Separator", {"Chapter": draft}]})
        self.assertEqual(chapter["content"], "[systemd](repository/systemd/index.md)")
        self.assertEqual(book["items"][3], {"PartTitle": "Files of the repository"})
        added = {item["Chapter"]["path"]: item["Chapter"] for item in book["items"][4:]}
        self.assertEqual(added["repository/systemd/index.md"]["name"], "The systemd unit")
        self.assertIn("repository/ami/index.md", added)  # systemd/README.md links to it

    def test_a_directory_without_a_readme_is_a_list_of_its_files(self):
        expected = "# packaging/krew\n\n- [build.sh](build.sh)\n- [eni.yaml](eni.yaml)\n"
        self.assertEqual(page_text("packaging/krew/README.md"), expected)
        self.assertIsNone(page_text("packaging/no/README.md"))


class Site(unittest.TestCase):
    def problems(self, files):
        """Returns the problems of a site with these files."""
        with tempfile.TemporaryDirectory() as directory:
            site = Path(directory)
            for name, text in files.items():
                (site / name).parent.mkdir(parents=True, exist_ok=True)
                (site / name).write_text(text, encoding="utf-8")
            pages = read_pages(site)
            copy_repository_files(site, pages)
            return internal_problems(site, pages)

    def test_dead_links_and_missing_anchors_are_problems(self):
        links = ["a/b.html#here", "a/c.html", "#no", "#top"]
        index = '<h1 id="top">' + "".join(f'<a href="{link}">a</a>' for link in links)
        page = '<a href="../index.html#top">1</a><p id="there"><a href="mailto:a@b.example">2</a>'
        expected = [
            "index.html: no heading for the anchor of a/b.html#here",
            "index.html: dead link a/c.html",
            "index.html: no heading for the anchor of #no",
        ]
        self.assertEqual(self.problems({"index.html": index, "a/b.html": page}), expected)

    def test_files_of_the_repository_are_copied(self):
        text = '<a href="repository/packaging/rbac.yaml">1</a><a href="repository/no.yaml">2</a>'
        self.assertEqual(self.problems({"index.html": text}), ["index.html: dead link repository/no.yaml"])

    def test_requests_to_other_servers_are_problems(self):
        script, image = '<script src="https://a.example/b.js"></script>', '<img src="data:image/png;base64,AA">'
        text = script + image + '<a href="https://c.example">c</a>'
        expected = ["index.html: loads https://a.example/b.js from another server"]
        self.assertEqual(self.problems({"index.html": text}), expected)

    def test_external_links_must_be_https_urls(self):
        valid = ["https://docs.aws.amazon.com/eks/latest/userguide/a.html#b", "https://a.example/?c=d&e=%20"]
        invalid = ["http://a.example", "https://localhost/a", "https://a.example:8443", "https://a.example/b c"]
        invalid += ["https://a.example/b.", "mailto:a@b.example"]
        expected = [f"invalid external link {link}" for link in invalid]
        self.assertEqual(external_problems(valid + invalid), expected)

    def test_anchors_links_and_resources_are_read(self):
        images = '<link rel="icon" href="e.svg"><img src="f.svg" alt="">'
        page = Page('<h2 id="a"></h2><a name="b"></a><a href="c">d</a>' + images)
        self.assertEqual((page.anchors, page.links, page.resources), ({"a", "b"}, ["c"], ["e.svg", "f.svg"]))


if __name__ == "__main__":
    unittest.main()
