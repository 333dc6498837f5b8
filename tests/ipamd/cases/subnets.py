"""Cases for tags that exclude a subnet from pods."""

from case import Case, Explained, Refused
from cases.common import COMPARISON, EXCLUDED, INCLUDED, OTHER_CLUSTER, POD_ENI, PREFIXES, THIS_CLUSTER, custom

DENIED = ("DescribeSubnets",)

SUBNETS = [
    Case(
        "node-excluded",
        "m5.large",
        tags={"node": EXCLUDED, "other": INCLUDED},
        pods_in={"other": 18},
        diagnostics=("primary-subnet-excluded",),
    ),
    Case(
        "node-excluded-prefixes",
        "m5.large",
        env=PREFIXES,
        tags={"node": EXCLUDED, "other": INCLUDED},
        pods_in={"other": 288},
    ),
    Case(
        "node-excluded-alone",
        "m5.large",
        tags={"node": EXCLUDED},
        expected=Refused(78, "a tag excludes the subnet of the primary network interface"),
    ),
    Case("node-excluded-no-discovery", "m5.large", env={"ENABLE_SUBNET_DISCOVERY": "false"}, tags={"node": EXCLUDED}),
    Case(
        "node-excluded-other-zone",
        "m5.large",
        tags={"node": EXCLUDED, "zone-b": INCLUDED},
        expected=Refused(78, "a tag excludes the subnet of the primary network interface"),
    ),
    Case(
        "node-excluded-and-other-cluster",
        "m5.large",
        tags={"node": EXCLUDED, "other": {**INCLUDED, **OTHER_CLUSTER}},
        expected=Refused(78, "a tag excludes the subnet of the primary network interface"),
    ),
    Case(
        "node-excluded-pod-eni",
        "m5.large",
        env=POD_ENI,
        tags={"node": EXCLUDED, "other": INCLUDED},
        pods_in={"other": 9},
    ),
    Case(
        "node-excluded-max-eni-1",
        "m5.large",
        env={"MAX_ENI": "1"},
        tags={"node": EXCLUDED, "other": INCLUDED},
        expected=Refused(78, "MAX_ENI=1"),
    ),
    Case(
        "node-excluded-discovery-yes",
        "t3.micro",
        env={"ENABLE_SUBNET_DISCOVERY": "yes"},
        tags={"node": EXCLUDED, "other": INCLUDED},
        pods_in={"other": 1},
        diagnostics=("cni-variable-invalid",),
    ),
    Case(
        "node-of-other-cluster",
        "t3.micro",
        tags={"node": {**INCLUDED, **OTHER_CLUSTER}, "other": INCLUDED},
        pods_in={"other": 1},
    ),
    Case(
        "node-of-other-cluster-no-cluster-name",
        "t3.micro",
        env={"CLUSTER_NAME": None, "MAX_ENI": "1"},
        tags={"node": {**INCLUDED, **OTHER_CLUSTER}, "other": INCLUDED},
    ),
    Case(
        "node-role-empty",
        "t3.micro",
        env={"MAX_ENI": "1"},
        tags={"node": {"kubernetes.io/role/cni": "", **OTHER_CLUSTER}},
    ),
    Case("discovery", "t3.small", env={"MAX_ENI": "2"}, tags={"other": INCLUDED}, pods_in={"node": 3, "other": 3}),
    custom("other-cluster", "t3.micro", tags={"pods": OTHER_CLUSTER}),
    custom(
        "other-cluster-role",
        "t3.micro",
        tags={"pods": {**INCLUDED, **OTHER_CLUSTER}},
        expected=Refused(75, "cni.networking.k8s.aws/cluster", command="wait"),
    ),
    custom(
        "other-cluster-role-kubeconfig",
        "t3.micro",
        tags={"pods": {**INCLUDED, **OTHER_CLUSTER}},
        kubeconfig=True,
        expected=Refused(75, "cni.networking.k8s.aws/cluster", command="wait"),
    ),
    custom(
        "other-cluster-role-no-cluster-name",
        "t3.micro",
        env={"CLUSTER_NAME": None},
        tags={"pods": {**INCLUDED, **OTHER_CLUSTER}},
    ),
    custom("this-cluster-role", "t3.micro", tags={"pods": {**INCLUDED, **OTHER_CLUSTER, **THIS_CLUSTER}}),
    custom(
        "pods-excluded",
        "t3.micro",
        tags={"pods": EXCLUDED},
        expected=Refused(75, "kubernetes.io/role/cni", command="wait"),
    ),
    custom("pods-excluded-no-discovery", "t3.micro", env={"ENABLE_SUBNET_DISCOVERY": "false"}, tags={"pods": EXCLUDED}),
    custom("node-excluded-custom", "t3.micro", tags={"node": EXCLUDED}),
    Case("subnets-denied", "t3.small", denied=DENIED, expected=Explained(COMPARISON, ours=9, ipamd=3)),
    custom("subnets-denied-custom", "t3.small", denied=DENIED),
    custom("subnets-denied-custom-excluded", "t3.micro", denied=DENIED, tags={"pods": EXCLUDED}),
]
