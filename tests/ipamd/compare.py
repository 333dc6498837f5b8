"""Compares eni-bootstrap with ipamd, the daemon of the VPC CNI, on simulated instances.

Each worker has its own namespaces for the network, mounts and processes, and its own servers. Prints a
table and writes `results.json` and the logs of ipamd. Exits with 1 if a case has an unexpected result.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

from case import Explained
from cases import CASES
from verdict import judge

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
WORKERS = 4
NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def isolation(paths, folder):
    """Returns the command that starts a worker in its own namespaces, and a description of its user.

    The worker runs as nobody in a user namespace if that is possible, because ipamd changes routes and
    firewall rules. Otherwise it runs as the current user.
    """
    user = ["unshare", "--user", "--map-root-user", *NAMESPACES]
    if os.geteuid() != 0:
        return user, "the current user in a user namespace"
    readable = " && ".join(f"test -r '{path}'" for path in paths)
    check = [*NOBODY, *user, "sh", "-c", f"mount -t tmpfs tmpfs /run && {readable}"]
    if subprocess.run(check, capture_output=True, check=False).returncode == 0:
        os.chown(folder, 65534, 65534)
        return [*NOBODY, *user], "nobody in a user namespace"
    return ["unshare", *NAMESPACES], "root"


def work(command, cases, results):
    """Runs cases in one worker until none is left."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    with process.stdin, process.stdout:
        while True:
            try:
                name = cases.get_nowait()
            except Empty:
                break
            try:
                process.stdin.write(name + "\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except BrokenPipeError:
                line = ""
            results[name] = json.loads(line) if line else {"failure": "the worker stopped"}
            print(f"ipamd: {name}: {judge(CASES[name], results[name])[0]}", file=sys.stderr, flush=True)
            if not line:
                break
    process.wait()


def print_table(names, results):
    """Prints one line for each case. Returns the names of the cases with an unexpected result."""
    rows = [("case", "instance type", "eni-bootstrap", "ipamd", "subnets of the pods", "verdict")]
    unexpected = []
    for name in names:
        verdict, ours, theirs, expected = judge(CASES[name], results.get(name, {"failure": "not run"}))
        counts = results.get(name, {}).get("ipamd", {}).get("pods_in", {})
        subnets = ", ".join(f"{subnet} {count}" for subnet, count in sorted(counts.items())) or "-"
        rows.append((name, CASES[name].instance_type, ours, theirs, subnets, verdict))
        if not expected:
            unexpected.append(name)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return unexpected


def check_sections():
    """Raises if a case names a section that the documentation does not have."""
    for case in CASES.values():
        if isinstance(case.expected, Explained):
            path, _, anchor = case.expected.section.partition("#")
            lines = (REPOSITORY / path).read_text().splitlines()
            anchors = [it.lstrip("# ").lower().replace(" ", "-") for it in lines if it.startswith("#")]
            if anchor not in anchors:
                raise SystemExit(f"{case.name}: {path} has no section {anchor}")


def main():
    """Runs the cases that the arguments name, or all."""
    parser = argparse.ArgumentParser(description="Compares eni-bootstrap with ipamd.")
    parser.add_argument("--program", type=Path, required=True, help="eni-bootstrap")
    parser.add_argument("--parts", type=Path, required=True, help="what tests/real/install.sh installed")
    parser.add_argument("--output", type=Path, required=True, help="folder for the results and logs")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    options = parser.parse_args()
    check_sections()
    names = options.cases or list(CASES)
    if unknown := [name for name in names if name not in CASES]:
        parser.error(f"unknown cases: {' '.join(unknown)}")

    started = time.monotonic()
    shutil.rmtree(options.output, ignore_errors=True)
    options.output.mkdir(parents=True)
    parts, program, logs = options.parts.absolute(), options.program.absolute(), options.output.absolute()
    kubernetes = Path(os.environ.get("KUBEBUILDER_ASSETS") or parts / "kubernetes")
    rbac = REPOSITORY / "packaging/rbac.yaml"
    python = parts / "moto/bin/python"
    paths = [python, parts / "ipamd/aws-k8s-agent", kubernetes / "etcd", program, rbac, HERE / "worker.py", logs]
    prefix, user = isolation(paths, logs)
    flags = {"program": program, "parts": parts, "kubernetes": kubernetes, "rbac": rbac, "logs": logs}
    command = [*prefix, str(python), str(HERE / "worker.py"), *(f"--{flag}={path}" for flag, path in flags.items())]

    queue, results = SimpleQueue(), {}
    for name in sorted(names, key=lambda it: -CASES[it].rounds):  # the longest first
        queue.put(name)
    count = min(options.workers, len(names))
    print(f"ipamd: {len(names)} cases with {count} workers as {user}", file=sys.stderr, flush=True)
    threads = [threading.Thread(target=work, args=(command, queue, results)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    unexpected = print_table(names, results)
    (options.output / "results.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    for name in unexpected:
        print(f"ipamd: {name}: {results.get(name, {}).get('failure') or results.get(name)}", file=sys.stderr)
    seconds = time.monotonic() - started
    print(f"ipamd: {len(names)} cases, {len(unexpected)} unexpected, {seconds:.0f} s; see {options.output}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
