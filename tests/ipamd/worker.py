"""Runs cases one after the other in the namespaces of this process.

Reads the name of a case from each line of its input and writes the result as one line of JSON.
"""

import argparse
import json
import logging
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import yaml
from moto.server import ThreadedMotoServer

import ec2
import ipamd
import links
import program
from case import Interface
from cases import CASES
from cluster import CNI_NODES, ENI_CONFIGS, NAME, NODE, Cluster
from machine import EC2_URL, METADATA_URL, REGION, SUBNETS, ZONE, Machine, backend
from metadata import Metadata

# More pods than any instance type has addresses for.
UNLIMITED = 100_000
# How many pods exist in the cluster. With security groups for pods, ipamd reads the pod of each request.
PODS = 110
DAEMON_SETS = "/apis/apps/v1/namespaces/kube-system/daemonsets"
TRUNK = Interface(kind="trunk", tags={"eks:eni:owner": "eks-vpc-resource-controller"})


class Worker:
    """The servers that all cases of this worker share."""

    def __init__(self, options):
        self.options = options
        self.folder = Path(tempfile.mkdtemp(dir="/run"))
        parts = options.parts
        ec2.install()
        os.environ.update(AWS_ACCESS_KEY_ID="admin", AWS_SECRET_ACCESS_KEY="admin")
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        endpoint = urlsplit(EC2_URL)
        ThreadedMotoServer(endpoint.hostname, endpoint.port, verbose=False).start()
        endpoint = urlsplit(METADATA_URL)
        self.metadata = Metadata(endpoint.hostname, endpoint.port)
        self.client = boto3.client("ec2", region_name=REGION, endpoint_url=EC2_URL)
        self.cluster = Cluster(self.folder, options.kubernetes, parts / "ipamd", options.rbac)
        self.chart_env = yaml.safe_load((parts / "ipamd/values.yaml").read_text())["env"]
        self.pods_exist = False

    def run(self, case):
        """Returns the result of a case."""
        started = time.monotonic()
        links.reset_namespace()
        shutil.rmtree(Path(ipamd.SOCKET).parent, ignore_errors=True)
        backend().reset()
        ec2.deny(())
        machine = Machine(self.client, case)
        self.metadata.instance = machine.instance
        env = {**{key: str(value) for key, value in self.chart_env.items()}, "CLUSTER_NAME": NAME, **case.env}
        env = {key: value for key, value in env.items() if value is not None}
        ec2.deny(case.denied)
        self.create_cni(case, machine, env)
        ours = program.evaluate(self.options.program, case, self.cluster, self.folder)
        self.create_node(case, machine, ours)
        environment = ipamd.environment(case, env, self.cluster)
        agent = ipamd.Agent(
            self.options.parts / "ipamd/aws-k8s-agent", environment, self.options.logs / f"{case.name}.log"
        )
        try:
            pods = ipamd.count_pods(
                agent, case, self.options.parts / "ipamd/add-pods", lambda: self.attach_trunk(case, machine)
            )
            pods.peak_mib = agent.peak_mib()
        finally:
            agent.stop()
        return {
            "ours": vars(ours),
            "ipamd": {
                "pods": len(set(pods.addresses)),
                "pods_in": count_subnets(pods.addresses),
                "exit_code": pods.exit_code,
                "error": pods.error,
                "peak_mib": pods.peak_mib,
            },
            "interfaces": describe_interfaces(machine),
            "seconds": round(time.monotonic() - started, 1),
        }

    def create_cni(self, case, machine, env):
        """Creates the DaemonSet and the ENIConfigs, as the administrator does before the first node."""
        self.cluster.request("DELETE", f"/api/v1/nodes/{NODE}", missing=True)
        self.cluster.request("DELETE", ENI_CONFIGS)
        container = {
            "name": "aws-node",
            "image": "602401143452.dkr.ecr.us-east-1.amazonaws.com/amazon-k8s-cni:v1.23.2",
            "env": [{"name": key, "value": value} for key, value in env.items()],
        }
        labels = {"k8s-app": "aws-node"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        daemon_set = {
            "metadata": {"name": "aws-node"},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        }
        self.cluster.replace(DAEMON_SETS, daemon_set)
        for name, subnet in case.eni_configs.items():
            spec = {"subnet": machine.subnets.get(subnet, subnet)}
            if case.security_groups:
                spec["securityGroups"] = [machine.groups["pods"]]
            item = {
                "apiVersion": "crd.k8s.amazonaws.com/v1alpha1",
                "kind": "ENIConfig",
                "metadata": {"name": name},
                "spec": spec,
            }
            self.cluster.request("POST", ENI_CONFIGS, item)

    def create_node(self, case, machine, ours):
        """Creates the Node as the kubelet does: with the labels of eni-bootstrap, and no others that the CNI reads."""
        labels = {
            "kubernetes.io/hostname": NODE,
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": case.instance_type,
            **ours.labels,
        }
        spec = {"providerID": f"aws:///{ZONE}/{machine.instance.id}"}
        if case.cordoned:
            taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
            spec |= {"unschedulable": True, "taints": [taint]}
        self.cluster.replace("/api/v1/nodes", {"metadata": {"name": NODE, "labels": labels}, "spec": spec})
        pods = str(ours.max_pods if case.capacity_is_max_pods and ours.max_pods else UNLIMITED)
        resources = {"pods": pods, "cpu": "2", "memory": "8Gi"}
        status = {"status": {"capacity": resources, "allocatable": resources}}
        path = f"/api/v1/nodes/{NODE}/status"
        self.cluster.request("PATCH", path, status, content_type="application/merge-patch+json")
        node = {
            "apiVersion": "vpcresources.k8s.aws/v1alpha1",
            "kind": "CNINode",
            "metadata": {"name": NODE},
            "spec": {},
        }
        self.cluster.replace(CNI_NODES, node)
        if case.pod_eni() and not self.pods_exist:
            self.create_pods()

    def create_pods(self):
        """Creates the pods that `add-pods` requests addresses for."""
        for number in range(PODS):
            spec = {
                "nodeName": NODE,
                "automountServiceAccountToken": False,
                "containers": [{"name": "main", "image": "main"}],
            }
            pod = {"metadata": {"name": f"pod-{number}"}, "spec": spec}
            self.cluster.request("POST", "/api/v1/namespaces/default/pods", pod)
        self.pods_exist = True

    def attach_trunk(self, case, machine):
        """Attaches the trunk once, as the VPC resource controller does when the CNINode requests it."""
        kinds = [eni.interface_type for eni in ec2.interfaces(machine.instance)]
        if case.trunk and "trunk" not in kinds:
            machine.attach(TRUNK)

    def memory(self):
        """Returns the highest memory use of the worker and its servers, in MiB."""
        servers = {Path(it.args[0]).name: ipamd.peak_mib(it.pid) for it in self.cluster.processes}
        return {"worker": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, **servers}


def count_subnets(addresses):
    """Returns how many addresses are in each subnet of `SUBNETS`."""
    counts = {}
    for address in addresses:
        networks = ((name, ip_network(block)) for name, (_, block) in SUBNETS.items())
        name = next((name for name, network in networks if ip_address(address) in network), "ipv6")
        counts[name] = counts.get(name, 0) + 1
    return counts


def describe_interfaces(machine):
    """Returns the attached interfaces, for the JSON file."""
    names = {subnet: name for name, subnet in machine.subnets.items()}
    return [
        {
            "card": eni.network_card_index,
            "device": eni.device_index,
            "type": eni.interface_type,
            "subnet": names.get(eni.subnet.id),
            "addresses": len(eni.private_ip_addresses),
            "prefixes": len(eni.ipv4_prefixes),
        }
        for eni in ec2.interfaces(machine.instance)
    ]


def main():
    """Starts the servers, and runs each case that the input names."""
    parser = argparse.ArgumentParser()
    for name in ("parts", "kubernetes", "rbac", "logs"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--program", required=True)
    # moto and its server print to the standard output, so the results get a stream of their own.
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    options = parser.parse_args()
    links.run("mount", "-t", "tmpfs", "tmpfs", "/run")
    links.reset_namespace()
    worker = Worker(options)
    for line in sys.stdin:
        try:
            result = worker.run(CASES[line.strip()])
        except Exception:
            result = {"failure": traceback.format_exc()}
        result["memory_mib"] = worker.memory()
        print(json.dumps(result), file=results, flush=True)
    worker.cluster.stop()


if __name__ == "__main__":
    main()
