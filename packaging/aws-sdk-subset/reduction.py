"""Reduces the source code of an AWS SDK crate to some operations.

The code generator of the SDK writes one module for each operation, type and serializer. Most files are kept
unchanged or removed. In the files that list these modules (`LISTS`), items are removed.
"""

import re

# The files that declare the modules of the other files, or that have an item for each operation.
LISTS = (
    "client.rs",
    "error_meta.rs",
    "lens.rs",
    "lib.rs",
    "operation.rs",
    "protocol_serde.rs",
    "serde_util.rs",
    "types.rs",
    "types/builders.rs",
    "types/error.rs",
    "types/error/builders.rs",
)
# A file in one of these directories is kept only if a kept file uses it.
ON_DEMAND = ("operation/", "protocol_serde/", "types/")
# The waiters use operations, and no operation uses a waiter.
REMOVED = ("waiters.rs", "waiters/")

PATH = re.compile(r"\bcrate((?:::\w+)+)")
MODULE = re.compile(r"^(?:pub(?:\(\w+\))? )?mod (\w+);", re.MULTILINE)
FUNCTION = re.compile(r"^pub(?:\(\w+\))? fn (\w+)", re.MULTILINE)
REEXPORT = re.compile(r"^pub use crate::([\w:]+)::(\w+);", re.MULTILINE)
ENDS_ITEM = re.compile(r"^(?![\s#/]).*[;}]$")


class ReductionError(Exception):
    """The source code does not have the expected structure."""


def module_name(operation):
    """Returns the module of an operation: `describe_subnets` for `DescribeSubnets`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()


def items(text):
    """Returns the top-level items of a file in the format of rustfmt, each with its comments and attributes."""
    result, lines = [], []
    for line in text.splitlines(keepends=True):
        lines.append(line)
        if ENDS_ITEM.match(line.rstrip("\n")):
            result.append("".join(lines))
            lines = []
    if "".join(lines).strip():
        raise ReductionError(f"a file ends within an item: {lines[0].strip()}")
    return result


def paths(text):
    """Returns the paths below `crate` in the code, without those in comments, as lists of names."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))
    if "use super::super" in code or re.search(r"\binclude!|#\[path", code):
        raise ReductionError("a file uses `super::super`, `include!` or `#[path]`, which this script does not support")
    return [found[2:].split("::") for found in PATH.findall(code)]


class Reduction:
    """The files and items that a set of operations needs.

    `files` maps the paths below `src` to the texts. `kept` contains the paths of the files that stay, without
    those in `LISTS`. `kept_functions` contains pairs of such a list and a function in it.
    """

    def __init__(self, files, operations):
        self.files = files
        self.operations = {module_name(operation) for operation in operations}
        self.directories = {}
        for path in sorted(files):
            self.directories.setdefault(path.rpartition("/")[0], []).append(path)
        self.lists = {path: items(files[path]) for path in LISTS if path in files}
        self.reexports = {path: dict(map(reversed, REEXPORT.findall(files[path]))) for path in self.lists}
        self.functions = {
            path: {match[1]: item for item in listed if (match := FUNCTION.search(item))}
            for path, listed in self.lists.items()
        }
        self.kept, self.kept_functions = set(), set()
        for operation in sorted(self.operations):
            if f"operation/{operation}.rs" not in files:
                raise ReductionError(f"the crate has no operation {operation}")
            self._keep(f"operation/{operation}.rs")
        for path in sorted(files):
            if self._is_always_kept(path):
                self._keep(path)
        for path, listed in self.lists.items():
            for item in listed:
                if self._is_kept_without_use(path, item):
                    self._follow(item)

    def _operation_of_client(self, path):
        """Returns the operation whose client methods are in this file, or None."""
        name = path.removeprefix("client/").removesuffix(".rs")
        return name if path.startswith("client/") and f"operation/{name}.rs" in self.files else None

    def _is_removed(self, path):
        operation = self._operation_of_client(path)
        if path.startswith("operation/"):
            operation = path.split("/")[1].removesuffix(".rs")
        return path.startswith(REMOVED) or (operation is not None and operation not in self.operations)

    def _is_always_kept(self, path):
        return not path.startswith(ON_DEMAND) and path not in self.lists and not self._is_removed(path)

    def _keep(self, path):
        """Keeps a file, the modules in it, and everything that they use."""
        if path in self.kept or path in self.lists:
            return
        if self._is_removed(path):
            raise ReductionError(f"a kept file uses {path}, which belongs to another operation or to a waiter")
        self.kept.add(path)
        self._follow(self.files[path])
        for inner in self.directories.get(path.removesuffix(".rs"), ()):
            self._keep(inner)

    def _follow(self, text):
        for names in paths(text):
            self._keep_path(names)

    def _file_of(self, names):
        """Returns the file of the longest module path in `names`, and the names after it."""
        for length in range(len(names), 0, -1):
            path = "/".join(names[:length]) + ".rs"
            if path in self.files:
                return path, names[length:]
        return "lib.rs", names

    def _keep_path(self, names):
        path, rest = self._file_of(names)
        self._keep(path)
        if path not in self.lists or not rest:
            return
        name = rest[0]
        if name in self.reexports[path]:
            self._keep_path([*self.reexports[path][name].split("::"), name])
        elif name in self.functions[path] and (path, name) not in self.kept_functions:
            self.kept_functions.add((path, name))
            self._follow(self.functions[path][name])

    def _is_kept_without_use(self, path, item):
        """Returns whether this item is neither a module, a reexport or a function, nor belongs to a removed file."""
        if MODULE.search(item) or REEXPORT.search(item) or FUNCTION.search(item):
            return False
        return not any(self._is_removed(self._file_of(names)[0]) for names in paths(item))

    def _is_kept(self, path, item):
        if match := MODULE.search(item):
            directory = "" if path == "lib.rs" else path.removesuffix(".rs") + "/"
            child = f"{directory}{match[1]}.rs"
            return child in self.kept or child in self.lists
        if match := REEXPORT.search(item):
            return self._file_of(match[1].split("::"))[0] in self.kept
        if match := FUNCTION.search(item):
            return (path, match[1]) in self.kept_functions
        return self._is_kept_without_use(path, item)

    def result(self):
        """Returns the texts of the unchanged files and those of the changed files, by path."""
        unchanged = {path: self.files[path] for path in sorted(self.kept)}
        changed = {}
        for path, listed in self.lists.items():
            text = "".join(item for item in listed if self._is_kept(path, item))
            (unchanged if text == self.files[path] else changed)[path] = text
        return unchanged, changed
