#!/usr/bin/env -S python3 -B
"""Writes and checks the copies of AWS SDK crates in `third-party`, which contain only some operations.

`subset.py check` compares each copy with the published crate. `subset.py write` writes all copies.
`subset.py update [NAME=VERSION…]` changes the versions of these crates, or those of all crates to the newest
ones, and writes the copies. `subset.py unpatched DIRECTORY` writes a workspace with the published crates
instead of the copies, for tools that ignore crates in directories.

`crates.json` lists the crates: the version, the SHA-256 of the published file, and the operations.
cargo downloads the published crates from the registry in its configuration.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from reduction import Reduction, ReductionError

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
COPIES = REPOSITORY / "third-party"
CRATES = HERE / "crates.json"
CHANGED = "// Changed by eni-bootstrap: items of other operations are removed. See NOTICE.\n"
# cargo does not show the warnings of a crate from a registry, and this is a crate in a directory.
LINTS = "#![allow(warnings)]\n"
# A dependency needs no tests, and cargo ignores the hint.
REMOVED_SECTIONS = ("[[test]]", "[dev-dependencies", "[hints]")
# The other files outside of src are tests, and the lock file and the manifest before publishing.
KEPT_FILES = ("LICENSE", "README.md")


class SubsetError(Exception):
    """A crate is not available, or not the expected one."""


def cargo(*arguments, cwd):
    """Runs cargo and returns its output."""
    command = [os.environ.get("CARGO", "cargo"), *arguments]
    done = subprocess.run(command, cwd=cwd, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise SubsetError(f"`cargo {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return done.stdout


def in_cache(name, version):
    """Returns the files of a published crate that cargo has downloaded, one for each registry."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return sorted(home.glob(f"registry/cache/*/{name}-{version}.crate"))


def cargo_info(specification):
    """Downloads a crate with `cargo info`, outside of the workspace, and returns what cargo prints about it."""
    with tempfile.TemporaryDirectory() as directory:
        return cargo("info", "--quiet", "--color=never", specification, cwd=directory)


def newest_version(name):
    """Returns the newest version of a crate for this compiler."""
    for line in cargo_info(name).splitlines():
        if line.startswith("version: "):
            return line.split()[1]
    raise SubsetError(f"`cargo info {name}` printed no version")


def published(name, version, sha256=None):
    """Returns the bytes of a published crate. Without `sha256`, cargo has compared it with the registry index."""
    if not in_cache(name, version) or sha256 is None:
        cargo_info(f"{name}@{version}")
    archives = [path.read_bytes() for path in in_cache(name, version)]
    if not archives:
        raise SubsetError(f"cargo has no file of {name} {version}; use a registry instead of a vendored directory")
    sums = {hashlib.sha256(archive).hexdigest(): archive for archive in archives}
    if sha256 is None and len(sums) > 1:
        raise SubsetError(f"two registries have different files of {name} {version}")
    if sha256 is not None and sha256 not in sums:
        raise SubsetError(f"{name} {version} has the SHA-256 {', '.join(sums)}, and {CRATES.name} has {sha256}")
    return sums[sha256 or next(iter(sums))]


def unpack(archive):
    """Returns the texts of the files in a published crate, by path."""
    texts = {}
    with tempfile.TemporaryFile() as file:
        file.write(archive)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as members:
            for member in members:
                path = member.name.partition("/")[2]
                if member.isfile() and (path.startswith("src/") or path in (*KEPT_FILES, "Cargo.toml")):
                    texts[path] = members.extractfile(member).read().decode()
    return texts


def manifest(text):
    """Returns the manifest without the sections that a dependency does not need."""
    sections = ["# Changed by eni-bootstrap: without tests and hints. See NOTICE.\n"]
    for line in text.splitlines(keepends=True):
        if line.startswith("["):
            sections.append("")
        sections[-1] += line
    return "".join(section for section in sections if not section.startswith(REMOVED_SECTIONS))


def notice(name, crate, changed, removed):
    """Returns the text of the file NOTICE."""
    operations = "\n".join(f"  - {operation}" for operation in crate["operations"])
    files = "\n".join(f"  - {path}" for path in ["Cargo.toml", *changed])
    return f"""\
This is a reduced copy of {name} {crate["version"]}.

packaging/aws-sdk-subset/subset.py of eni-bootstrap wrote this directory. Do not edit it. The source is the
published crate with the SHA-256
{crate["sha256"]}.

The copy contains the code for these operations:
{operations}

These files are changed, because items for other operations are removed:
{files}

In src/lib.rs, a line also allows all warnings. In Cargo.toml, the tests and the hints are removed. {removed} other
files of src, and the tests, are removed. All other files are unchanged.
"""


def copy(name, crate, archive):
    """Returns the texts of the reduced copy, by path."""
    texts = unpack(archive)
    sources = {path.removeprefix("src/"): text for path, text in texts.items() if path.startswith("src/")}
    unchanged, changed = Reduction(sources, crate["operations"]).result()
    result = {path: texts[path] for path in KEPT_FILES}
    result.update((f"src/{path}", text) for path, text in unchanged.items())
    result.update((f"src/{path}", CHANGED + text) for path, text in changed.items())
    result["src/lib.rs"] = CHANGED + LINTS + {**unchanged, **changed}["lib.rs"]
    result["Cargo.toml"] = manifest(texts["Cargo.toml"])
    changed = sorted({f"src/{path}" for path in changed} | {"src/lib.rs"})
    removed = len(sources) - len(unchanged) - len(changed)
    result["NOTICE"] = notice(name, crate, changed, removed)
    return result


def differences(expected, directory):
    """Returns a line for each file of the directory that differs from the expected texts."""
    actual = {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}
    lines = [f"{directory / path} is not part of the copy" for path in actual - expected.keys()]
    lines += [f"{directory / path} not found" for path in expected.keys() - actual]
    for path in actual & expected.keys():
        if (directory / path).read_bytes() != expected[path].encode():
            lines.append(f"{directory / path} differs")
    return sorted(lines)


def check(crates):
    """Compares each copy with the published crate."""
    lines = []
    for name, crate in crates.items():
        archive = published(name, crate["version"], crate["sha256"])
        lines += differences(copy(name, crate, archive), COPIES / name)
    if lines:
        raise SubsetError("\n".join([*lines, f"run `{HERE.relative_to(REPOSITORY)}/subset.py write`"]))


def write(crates):
    """Writes the copies of these crates."""
    for name, crate in crates.items():
        texts = copy(name, crate, published(name, crate["version"], crate["sha256"]))
        shutil.rmtree(COPIES / name, ignore_errors=True)
        for path, text in texts.items():
            file = COPIES / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        lines = sum(text.count("\n") for text in texts.values())
        print(f"{name} {crate['version']}: {len(texts)} files, {lines} lines")


def update(crates, versions):
    """Changes the versions of crates, writes all copies, and updates `crates.json` and `Cargo.lock`."""
    if unknown := versions.keys() - crates.keys():
        raise SubsetError(f"{CRATES.name} has no crate {', '.join(sorted(unknown))}")
    for name, version in (versions or {name: newest_version(name) for name in crates}).items():
        crates[name]["version"] = version
        crates[name]["sha256"] = hashlib.sha256(published(name, version)).hexdigest()
    write(crates)
    CRATES.write_text(json.dumps(crates, indent=2) + "\n")
    cargo("update", "--quiet", "--workspace", cwd=REPOSITORY)


def without_copies(text, crates):
    """Returns the manifest of the workspace without the lines that replace these crates by copies."""
    for name in crates:
        text, removed = re.subn(rf'^{name} = \{{ path = "third-party/{name}" \}}\n', "", text, flags=re.MULTILINE)
        if removed != 1:
            raise SubsetError(f"Cargo.toml has no copy of {name} in [patch.crates-io]")
    return text


def with_sources(text, crates):
    """Returns the lock file with the registry and the checksum of the published crates."""
    source = re.search(r'^source = "registry\+.*"$', text, re.MULTILINE)[0]
    for name, crate in crates.items():
        entry = f'name = "{name}"\nversion = "{crate["version"]}"\n'
        if entry + "dependencies" not in text:
            raise SubsetError(f"Cargo.lock has no copy of {name} {crate['version']}")
        text = text.replace(entry, f'{entry}{source}\nchecksum = "{crate["sha256"]}"\n')
    return text


def unpatched(crates, directory):
    """Writes a workspace with the published crates, whose other files are links to those of the repository."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name in ("crates", "packaging", "src", "tests"):
        (directory / name).symlink_to(REPOSITORY / name)
    (directory / "Cargo.toml").write_text(without_copies((REPOSITORY / "Cargo.toml").read_text(), crates))
    (directory / "Cargo.lock").write_text(with_sources((REPOSITORY / "Cargo.lock").read_text(), crates))


def main(arguments):
    """Runs the command in `arguments`, and returns the exit status."""
    crates = json.loads(CRATES.read_text())
    try:
        if arguments == ["check"]:
            check(crates)
        elif arguments == ["write"]:
            write(crates)
        elif arguments[:1] == ["unpatched"] and len(arguments) == 2:
            unpatched(crates, Path(arguments[1]))
        elif arguments[:1] == ["update"] and all("=" in argument for argument in arguments[1:]):
            update(crates, dict(argument.split("=", 1) for argument in arguments[1:]))
        else:
            print("usage: subset.py check | write | update [NAME=VERSION…] | unpatched DIRECTORY", file=sys.stderr)
            return 64
    except (SubsetError, ReductionError) as error:
        print(f"subset.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
