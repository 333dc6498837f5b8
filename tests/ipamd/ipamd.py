"""Runs ipamd and requests addresses for pods until it has no more.

Three things are internal to ipamd, so its version is pinned: the log lines below, the path of its socket,
and its answer to the CNI plugin.
"""

import os
import queue
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field

from cluster import NODE
from links import run
from program import ENVIRONMENT

SOCKET = "/var/run/aws-node/ipamd.sock"
# How long one case may take, in seconds.
TIMEOUT = 600
# The lines of ipamd's log that the harness acts on.
SERVING = "Serving RPC Handler version"
ROUND = re.compile(r"IP stats for Network Card 0 - total IPs: (\d+), assigned IPs: (\d+)")
POOL_CHANGED = re.compile(r"(IP|Prefix) pool stats for network card")
NO_ROOM = "Skipping ENI allocation as the max ENI limit is already reached"
TRUNK_REQUESTED = "Successfully added feature SecurityGroupsForPods to CNINode"


@dataclass
class Pods:
    """The pods that got an address from ipamd."""

    addresses: list = field(default_factory=list)
    # None while ipamd runs.
    exit_code: int | None = None
    # The last error in the log, if ipamd exited.
    error: str = ""
    peak_mib: int = 0


class Agent:
    """A running ipamd. A thread reads its log, so ipamd never waits for a full pipe."""

    def __init__(self, program, environment, log):
        self.process = subprocess.Popen(
            [program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self.read, args=(log,), daemon=True).start()

    def read(self, path):
        """Copies the log to a file and to `lines`. The end of the log is None."""
        with path.open("w") as log:
            for line in self.process.stdout:
                log.write(line)
                self.lines.put(line)
        self.lines.put(None)

    def peak_mib(self):
        """Returns the highest memory use so far, in MiB."""
        return peak_mib(self.process.pid)

    def stop(self):
        """Kills ipamd if it still runs."""
        self.process.kill()
        self.process.wait()


def peak_mib(pid):
    """Returns the highest memory use of a process so far, in MiB; 0 if it has exited."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            peak = next((line for line in status if line.startswith("VmHWM:")), None)
    except OSError:
        return 0
    return int(peak.split()[1]) // 1024 if peak else 0


def environment(case, chart_env, cluster):
    """Returns the environment of aws-node's container, with the endpoints of this machine."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",  # ipamd would also read ~/.kube/config
        **ENVIRONMENT,
        **chart_env,
        "KUBECONFIG": cluster.kubeconfig_of("cni"),
        "MY_NODE_NAME": NODE,
        "MY_POD_NAME": "aws-node-1",
        "AWS_VPC_K8S_CNI_LOG_FILE": "stdout",
        "AWS_VPC_K8S_CNI_LOGLEVEL": "DEBUG",
        "DISABLE_LEAKED_ENI_CLEANUP": "true",  # another task that the comparison does not need
    }


def add_pods(program, pods, most):
    """Requests addresses until ipamd has no more. Returns whether it had at least one."""
    count = len(pods.addresses)
    output = run(program, SOCKET, str(count), str(most - count))
    pods.addresses += [line.split()[0] for line in output.splitlines()]
    return len(pods.addresses) > count


class Rounds:
    """Decides when no more addresses can come: after a whole round of ipamd's pool manager with every address
    assigned, or when ipamd logs in such a round that it may attach no more interfaces.
    """

    def __init__(self):
        self.full_rounds = 0

    def reset(self):
        """Starts again, because the pool has changed."""
        self.full_rounds = 0

    def is_settled(self, line, assigned):
        """Returns whether this line of the log is the end of the last round."""
        start = ROUND.search(line)
        if start and start.groups() == (str(assigned), str(assigned)):
            self.full_rounds += 1
        return self.full_rounds >= 2 or (self.full_rounds == 1 and NO_ROOM in line)


def count_pods(agent, case, add_pods_program, attach_trunk):
    """Requests addresses for pods whenever ipamd's pool has changed, until ipamd exits or has no more."""
    pods, rounds = Pods(), Rounds()
    serving = False
    most = case.most or 10_000
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            line = agent.lines.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            raise RuntimeError(f"ipamd still adds addresses, or logs no round, after {TIMEOUT} s") from None
        if line is None:
            pods.exit_code = agent.process.wait()
            return pods
        if '"level":"error"' in line:
            pods.error = line.strip()
        if TRUNK_REQUESTED in line:
            attach_trunk()
        serving = serving or SERVING in line
        if not serving:
            continue
        settled = rounds.is_settled(line, len(pods.addresses))
        if settled or SERVING in line or POOL_CHANGED.search(line):
            if add_pods(add_pods_program, pods, most):
                rounds.reset()
                settled = False
            if settled or case.fixed_pool or len(pods.addresses) >= most:
                return pods
