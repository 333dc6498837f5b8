"""Tests of the reduction, with a small crate in the structure of the AWS SDK."""

import contextlib
import hashlib
import io
import json
import os
import tarfile
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import subset
from reduction import Reduction, ReductionError, items, module_name, paths

OPERATION = """\
/// See [`Deleted`](crate::operation::delete_thing::DeleteThing).
pub struct {type};
impl {type} {{
    pub(crate) fn send(input: crate::types::{input}) {{
        crate::protocol_serde::shape_{name}::ser(input);
    }}
}}
mod _{name}_output;
"""

SOURCES = {
    "lib.rs": """\
#![warn(missing_docs)]
//! A service.

// Code generated. DO NOT EDIT.
pub use error_meta::Error;

/// The client.
pub mod client;

pub mod config;

mod error_meta;

mod lens;

pub mod operation;

pub(crate) mod protocol_serde;

pub mod types;

pub mod waiters;
""",
    "client.rs": """\
pub struct Client {
    config: crate::config::Config,
}

pub trait Waiters {
    fn wait(&self) -> crate::waiters::thing_exists::Builder;
}
impl Waiters for Client {
    fn wait(&self) -> crate::waiters::thing_exists::Builder {
        crate::waiters::thing_exists::Builder {}
    }
}

pub mod customize;

mod delete_thing;

mod get_thing;
""",
    "client/customize.rs": "pub struct Customizable;\n",
    "client/delete_thing.rs": "impl super::Client {\n}\n",
    "client/get_thing.rs": "impl super::Client {\n}\n",
    "config.rs": "pub struct Config;\n",
    "error_meta.rs": """\
pub enum Error {
    Unhandled,
}
impl From<crate::operation::get_thing::GetThing> for Error {
}
impl From<crate::operation::delete_thing::DeleteThing> for Error {
}
""",
    "lens.rs": """\
pub(crate) fn lens_get_thing(
    input: &crate::types::Thing,
) -> Option<&str> {
    None
}

pub(crate) fn lens_thing_exists(input: &crate::types::Thing) -> Option<&str> {
    None
}
""",
    "operation.rs": """\
pub use ::aws_types::request_id::RequestId;

/// Types for the `DeleteThing` operation.
pub mod delete_thing;

/// Types for the `GetThing` operation.
pub mod get_thing;
""",
    "operation/get_thing.rs": OPERATION.format(type="GetThing", input="Filter", name="get_thing"),
    "operation/get_thing/_get_thing_output.rs": "pub type Output = crate::types::Thing;\n",
    "operation/get_thing/paginator.rs": "fn next() {\n    crate::lens::lens_get_thing();\n}\n",
    "operation/delete_thing.rs": OPERATION.format(type="DeleteThing", input="Reason", name="delete_thing"),
    "protocol_serde.rs": """\
pub fn parse_error() {
}

pub(crate) mod shape_delete_thing;

pub(crate) mod shape_get_thing;

pub(crate) mod shape_thing;
""",
    "protocol_serde/shape_delete_thing.rs": "pub fn ser() {\n}\n",
    "protocol_serde/shape_get_thing.rs": """\
pub fn ser() {
    crate::protocol_serde::parse_error();
    crate::protocol_serde::shape_thing::de();
}
""",
    "protocol_serde/shape_thing.rs": "pub fn de() -> crate::types::builders::ThingBuilder {\n}\n",
    "types.rs": """\
pub use crate::types::_filter::Filter;

pub use crate::types::_reason::Reason;

pub use crate::types::_thing::Thing;

mod _filter;

mod _reason;

mod _thing;

/// Builders
pub mod builders;
""",
    "types/_filter.rs": "pub struct Filter;\n",
    "types/_reason.rs": "pub struct Reason;\n",
    "types/_thing.rs": "pub struct Thing;\npub struct ThingBuilder;\n",
    "types/builders.rs": """\
pub use crate::types::_reason::ReasonBuilder;

pub use crate::types::_thing::ThingBuilder;
""",
    "waiters.rs": "pub mod thing_exists;\n",
    "waiters/thing_exists.rs": "pub struct Builder;\n",
}

MANIFEST = """\
# Generated.
[package]
name = "aws-sdk-thing"

[[test]]
name = "waiters"

[dependencies.http]
version = "1"

[dev-dependencies.tokio]
version = "1"
features = ["macros"]

[hints]
mostly-unused = true
"""


def archive():
    """Returns the bytes of a published crate with these sources."""
    texts = {f"src/{path}": text for path, text in SOURCES.items()}
    texts |= {"Cargo.toml": MANIFEST, "LICENSE": "License\n", "README.md": "Thing\n", "tests/a.rs": "fn a() {}\n"}
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as members:
        for path, text in texts.items():
            member = tarfile.TarInfo(f"aws-sdk-thing-1.0.0/{path}")
            member.size = len(text.encode())
            members.addfile(member, io.BytesIO(text.encode()))
    return file.getvalue()


class ReductionTest(unittest.TestCase):
    """The files and items that stay."""

    def test_files_of_the_operation_and_of_everything_it_uses_are_unchanged(self):
        unchanged, _ = Reduction(SOURCES, ["GetThing"]).result()
        expected = [
            "client/customize.rs",
            "client/get_thing.rs",
            "config.rs",
            "operation/get_thing.rs",
            "operation/get_thing/_get_thing_output.rs",
            "operation/get_thing/paginator.rs",
            "protocol_serde/shape_get_thing.rs",
            "protocol_serde/shape_thing.rs",
            "types/_filter.rs",
            "types/_thing.rs",
        ]
        self.assertEqual(unchanged, {path: SOURCES[path] for path in expected})

    def test_items_of_other_operations_and_of_waiters_are_removed(self):
        _, changed = Reduction(SOURCES, ["GetThing"]).result()
        expected = {
            "client.rs": "pub struct Client {\n    config: crate::config::Config,\n}\n"
            "\npub mod customize;\n\nmod get_thing;\n",
            "error_meta.rs": "pub enum Error {\n    Unhandled,\n}\n"
            "impl From<crate::operation::get_thing::GetThing> for Error {\n}\n",
            "lens.rs": SOURCES["lens.rs"].partition("\npub(crate) fn lens_thing_exists")[0],
            "lib.rs": SOURCES["lib.rs"].removesuffix("\npub mod waiters;\n"),
            "operation.rs": "pub use ::aws_types::request_id::RequestId;\n\n"
            "/// Types for the `GetThing` operation.\npub mod get_thing;\n",
            "protocol_serde.rs": "pub fn parse_error() {\n}\n"
            "\npub(crate) mod shape_get_thing;\n\npub(crate) mod shape_thing;\n",
            "types.rs": "pub use crate::types::_filter::Filter;\n\npub use crate::types::_thing::Thing;\n"
            "\nmod _filter;\n\nmod _thing;\n\n/// Builders\npub mod builders;\n",
            "types/builders.rs": "\npub use crate::types::_thing::ThingBuilder;\n",
        }
        self.assertEqual(changed, expected)

    def test_all_operations_keep_everything_but_the_waiters(self):
        unchanged, changed = Reduction(SOURCES, ["DeleteThing", "GetThing"]).result()
        self.assertEqual(SOURCES.keys() - unchanged.keys() - changed.keys(), {"waiters.rs", "waiters/thing_exists.rs"})
        self.assertEqual(sorted(changed), ["client.rs", "lens.rs", "lib.rs"])

    def test_unknown_operation_is_an_error(self):
        with self.assertRaisesRegex(ReductionError, "the crate has no operation stop_thing"):
            Reduction(SOURCES, ["StopThing"])

    def test_type_that_uses_another_operation_is_an_error(self):
        sources = SOURCES | {"types/_thing.rs": "pub type Thing = crate::operation::delete_thing::DeleteThing;\n"}
        with self.assertRaisesRegex(ReductionError, r"a kept file uses operation/delete_thing\.rs"):
            Reduction(sources, ["GetThing"])

    def test_names_of_modules(self):
        names = {"DescribeVpcs": "describe_vpcs", "AssignIpv6Addresses": "assign_ipv6_addresses"}
        self.assertEqual({name: module_name(name) for name in names}, names)

    def test_items_include_comments_and_attributes(self):
        function = "\nfn b(\n    c: D;\n) -> E\nwhere\n    F: G,\n{\n    h;\n}\n"
        listed = ["/// A;\n#[a]\nmod a;\n", function, "impl A for B {}\n"]
        self.assertEqual(items("".join(listed)), listed)
        with self.assertRaisesRegex(ReductionError, "a file ends within an item: fn a"):
            items("fn a() {\n    b;\n")

    def test_paths_are_those_in_the_code(self):
        text = "// crate::a::B\nlet c = crate::d::E::<crate::f::G>::h(); // crate::i\n"
        self.assertEqual(paths(text), [["d", "E"], ["f", "G"], ["i"]])
        with self.assertRaises(ReductionError):
            paths('include!("a.rs");\n')


class CopyTest(unittest.TestCase):
    """The directory of a copy, from a published crate in a directory of cargo."""

    def setUp(self):
        context = contextlib.ExitStack()
        self.addCleanup(context.close)
        directory = context.enter_context(tempfile.TemporaryDirectory())
        self.copies = Path(directory, "third-party")
        self.cached = Path(directory, "registry/cache/registry-0/aws-sdk-thing-1.0.0.crate")
        self.cached.parent.mkdir(parents=True)
        self.cached.write_bytes(archive())
        sha256 = hashlib.sha256(archive()).hexdigest()
        self.crates = {"aws-sdk-thing": {"version": "1.0.0", "sha256": sha256, "operations": ["GetThing"]}}
        context.enter_context(mock.patch.dict(os.environ, {"CARGO_HOME": directory, "CARGO": "false"}))
        context.enter_context(mock.patch.object(subset, "COPIES", self.copies))
        with contextlib.redirect_stdout(io.StringIO()) as output:
            subset.write(self.crates)
        self.output = output.getvalue()
        self.copy = self.copies / "aws-sdk-thing"

    def test_copy_is_that_of_the_published_crate(self):
        subset.check(self.crates)
        self.assertRegex(self.output, r"^aws-sdk-thing 1\.0\.0: 22 files, \d+ lines\n$")

    def test_manifest_has_no_tests_and_hints(self):
        expected = "# Changed by eni-bootstrap: without tests and hints. See NOTICE.\n" + (
            '# Generated.\n[package]\nname = "aws-sdk-thing"\n\n[dependencies.http]\nversion = "1"\n\n'
        )
        self.assertEqual((self.copy / "Cargo.toml").read_text(), expected)

    def test_changed_files_are_marked(self):
        marked = {
            str(path.relative_to(self.copy))
            for path in self.copy.rglob("*.rs")
            if path.read_text().startswith(subset.CHANGED)
        }
        in_notice = {line[4:] for line in (self.copy / "NOTICE").read_text().splitlines() if line.startswith("  - src")}
        self.assertEqual(marked, in_notice)
        self.assertEqual(len(marked), 8)
        self.assertEqual((self.copy / "src/config.rs").read_text(), SOURCES["config.rs"])

    def test_each_difference_is_reported(self):
        (self.copy / "src/config.rs").write_text("pub struct Other;\n")
        (self.copy / "src/lens.rs").unlink()
        (self.copy / "src/new.rs").touch()
        with self.assertRaises(subset.SubsetError) as raised:
            subset.check(self.crates)
        expected = [
            f"{self.copy}/src/config.rs differs",
            f"{self.copy}/src/lens.rs not found",
            f"{self.copy}/src/new.rs is not part of the copy",
            "run `packaging/aws-sdk-subset/subset.py write`",
        ]
        self.assertEqual(str(raised.exception).splitlines(), expected)

    def test_other_published_file_is_an_error(self):
        self.cached.write_bytes(archive() + b"0")
        with self.assertRaisesRegex(subset.SubsetError, r"aws-sdk-thing 1\.0\.0 has the SHA-256 \w+, and crates\.json"):
            subset.check(self.crates)

    def test_update_changes_version_and_checksum(self):
        crates = self.cached.parent.parent.parent.parent / "crates.json"
        with contextlib.ExitStack() as context:
            context.enter_context(mock.patch.object(subset, "CRATES", crates))
            commands = context.enter_context(mock.patch.object(subset, "cargo", return_value="version: 1.1.0 (new)\n"))
            context.enter_context(contextlib.redirect_stdout(io.StringIO()))
            newer = archive() + b"0"
            self.cached.with_name("aws-sdk-thing-1.1.0.crate").write_bytes(newer)
            subset.update(self.crates, {})
        expected = {"version": "1.1.0", "sha256": hashlib.sha256(newer).hexdigest(), "operations": ["GetThing"]}
        self.assertEqual(json.loads(crates.read_text()), {"aws-sdk-thing": expected})
        self.assertIn("aws-sdk-thing 1.1.0.\n", (self.copy / "NOTICE").read_text())
        self.assertEqual(commands.call_args, mock.call("update", "--quiet", "--workspace", cwd=subset.REPOSITORY))
        with self.assertRaisesRegex(subset.SubsetError, r"crates\.json has no crate aws-sdk-other"):
            subset.update(self.crates, {"aws-sdk-other": "1.0.0"})

    def test_unpatched_workspace_has_the_published_crates(self):
        manifest = '[patch.crates-io]\naws-sdk-thing = { path = "third-party/aws-sdk-thing" }\nother = { path = "other" }\n'
        expected = '[patch.crates-io]\nother = { path = "other" }\n'
        self.assertEqual(subset.without_copies(manifest, self.crates), expected)
        with self.assertRaisesRegex(subset.SubsetError, r"Cargo\.toml has no copy of aws-sdk-thing in \[patch\.crates-io\]"):
            subset.without_copies(expected, self.crates)
        package = '[[package]]\nname = "aws-sdk-thing"\nversion = "1.0.0"\n'
        dependency = '[[package]]\nname = "http"\nversion = "1.0.0"\nsource = "registry+index"\nchecksum = "0"\n'
        checksum = self.crates["aws-sdk-thing"]["sha256"]
        self.assertEqual(
            subset.with_sources(f"{package}dependencies = []\n\n{dependency}", self.crates),
            f'{package}source = "registry+index"\nchecksum = "{checksum}"\ndependencies = []\n\n{dependency}',
        )
        with self.assertRaisesRegex(subset.SubsetError, r"Cargo\.lock has no copy of aws-sdk-thing 1\.0\.0"):
            subset.with_sources(dependency, self.crates)

    def test_failed_download_is_an_error(self):
        self.cached.unlink()
        with self.assertRaisesRegex(subset.SubsetError, r"`cargo info --quiet .* aws-sdk-thing@1\.0\.0` failed"):
            subset.check(self.crates)


if __name__ == "__main__":
    unittest.main()
