"""What eni-bootstrap computes for an instance, and whether it accepts the ENIConfig."""

import json
import os
import subprocess
from dataclasses import dataclass, field

from cluster import NAME
from machine import EC2_URL, METADATA_URL, REGION

# How long one command may take, in seconds.
TIMEOUT = 600
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "node",
    "AWS_SECRET_ACCESS_KEY": "node",
    "AWS_REGION": REGION,
    "AWS_ENDPOINT_URL_EC2": EC2_URL,
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": METADATA_URL,
}


@dataclass
class Outcome:
    """The results of `plan` and `wait`."""

    # IPv4 addresses for pods; None with IPv6 and after a failure.
    addresses: int | None = None
    max_pods: int | None = None
    host_network_pods: int = 0
    labels: dict = field(default_factory=dict)
    diagnostics: list = field(default_factory=list)
    # The command that failed, its exit code and its error message.
    failed: str | None = None
    exit_code: int = 0
    error: str = ""


def connection(case, cluster):
    """Returns the flags for the cluster, as in the user data of an EKS node or with a kubeconfig."""
    if case.kubeconfig:
        return ["--cluster-kubeconfig", cluster.kubeconfig_of("node")]
    return ["--cluster-endpoint", cluster.url, "--cluster-certificate-authority", cluster.authority]


def evaluate(program, case, cluster, folder):
    """Runs `plan` and `wait` for this instance."""
    flags = ["--host-kind=none", "--eni-config-wait=0", "--cluster-name", NAME, *connection(case, cluster), *case.flags]
    if case.settings:
        settings = folder / "settings.toml"
        settings.write_text(case.settings)
        flags += ["--config", str(settings)]

    def run(*command):
        return subprocess.run(
            [program, *command, *flags],
            capture_output=True,
            text=True,
            env={"PATH": os.environ["PATH"], **ENVIRONMENT},
            timeout=TIMEOUT,
            check=False,
        )

    outcome = Outcome()
    custom_networking = False
    for command in (["plan", "--output=json"], ["plan", "--output=kubelet-args"], ["wait"]):
        if command == ["wait"] and not custom_networking:
            break  # `wait` fails, because there is nothing to wait for
        done = run(*command)
        if done.returncode:
            outcome.failed, outcome.exit_code, outcome.error = command[0], done.returncode, done.stderr
            break
        if command[-1] == "--output=json":
            plan = json.loads(done.stdout)
            custom_networking = plan["cni"]["config"]["custom_networking"]
            read_plan(outcome, plan)
        elif command[0] == "plan":
            outcome.labels = node_labels(done.stdout)
    return outcome


def read_plan(outcome, plan):
    """Copies the values of `plan --output json`."""
    capacity = plan["capacity"]
    outcome.max_pods = capacity["max_pods"]
    outcome.host_network_pods = capacity["host_network_pods"]
    if capacity["uncapped"] is not None:
        outcome.addresses = capacity["uncapped"] - capacity["host_network_pods"]
    outcome.diagnostics = [it["code"] for it in plan["diagnostics"]]


def node_labels(arguments):
    """Returns the labels in the kubelet argument `--node-labels`."""
    for argument in arguments.split():
        name, _, value = argument.strip("'\"").partition("=")
        if name == "--node-labels":
            return dict(pair.split("=", 1) for pair in value.split(","))
    return {}
