"""The cases: which instances and clusters the two programs are compared on.

Most types are small, because ipamd attaches one interface in each round of its pool manager, which takes
5 seconds. WARM_PREFIX_TARGET=100 lets it fill each interface in one round.
"""

from dataclasses import replace

from case import Case, Explained, Interface, Refused

CUSTOM = {"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "true"}
PREFIXES = {"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "100"}
POD_ENI = {"ENABLE_POD_ENI": "true"}
IPV6 = {"ENABLE_IPv6": "true", "ENABLE_IPv4": "false"}
ZONE_CONFIG = {"us-east-1a": "pods"}
NO_MANAGE = Interface(tags={"node.k8s.amazonaws.com/no_manage": "true"})
EXCLUDED = {"kubernetes.io/role/cni": "0"}
INCLUDED = {"kubernetes.io/role/cni": "1"}
OTHER_CLUSTER = {"cni.networking.k8s.aws/cluster/other": "shared"}
COMPARISON = "docs/max-pods.md#comparison-with-ipamd"
THIS_CLUSTER = {"cni.networking.k8s.aws/cluster/real": "shared"}


def custom(name, instance_type, **more):
    """Returns a case with custom networking and an ENIConfig for the zone."""
    env = {**CUSTOM, **more.pop("env", {})}
    return Case(name, instance_type, env=env, eni_configs=more.pop("eni_configs", ZONE_CONFIG), **more)


MODES = [
    Case("plain", "m5.large"),
    custom("custom", "m5.large"),
    Case("prefixes", "t3.small", env=PREFIXES),
    custom("custom-prefixes", "t3.small", env=PREFIXES),
    Case(
        "prefixes-at-max-pods",
        "m5.large",
        env={**PREFIXES, "WARM_PREFIX_TARGET": "3"},
        capacity_is_max_pods=True,
        rounds=4,
    ),
    Case("pod-eni", "m5.large", env=POD_ENI),
    custom("custom-pod-eni", "m5.large", env=POD_ENI),
    custom(
        "custom-prefixes-pod-eni",
        "m5.large",
        env={**PREFIXES, "ENABLE_POD_ENI": "true", "MINIMUM_IP_TARGET": "40", "WARM_IP_TARGET": "0"},
    ),
    Case("max-eni-2", "m5.large", env={"MAX_ENI": "2"}),
    custom("custom-max-eni-2", "m5.large", env={"MAX_ENI": "2"}),
    custom("custom-max-eni-1", "m5.large", env={"MAX_ENI": "1"}, expected=Refused(78, "MAX_ENI")),
    Case(
        "minimum-5",
        "m5.large",
        env={"MINIMUM_IP_TARGET": "5", "WARM_IP_TARGET": "0"},
        diagnostics=("minimum-ip-target-caps",),
    ),
    Case(
        "minimum-20-prefixes",
        "m5.large",
        env={**PREFIXES, "MINIMUM_IP_TARGET": "20", "WARM_IP_TARGET": "0"},
        diagnostics=("minimum-ip-target-caps",),
    ),
    Case("minimum-5-warm-20", "t3.micro", env={"MINIMUM_IP_TARGET": "5", "WARM_IP_TARGET": "20"}),
]

TYPES = [
    custom("xen-custom", "c3.large"),
    Case("xen-prefixes", "m4.large", env={**PREFIXES, "MAX_ENI": "1"}, diagnostics=("prefixes-need-nitro",)),
    Case("bare-metal-prefixes", "a1.metal", env={**PREFIXES, "MAX_ENI": "1"}, rounds=4),
    Case("one-interface", "hpc6id.32xlarge"),
    custom("one-interface-custom", "hpc6id.32xlarge", expected=Refused(78, "network interface")),
    custom("two-interfaces-custom", "m7g.medium"),
    custom("two-interfaces-custom-pod-eni", "m7g.medium", env=POD_ENI, expected=Refused(78, "network interface")),
    Case("several-cards", "hpc7a.12xlarge"),
    # ipamd adds one address in each round to the other cards, so these cases stop after two of them.
    Case("multi-nic", "hpc7a.12xlarge", env={"ENABLE_MULTI_NIC": "true"}, most=100),
    Case(
        "multi-nic-max-eni-1",
        "hpc7a.12xlarge",
        env={"ENABLE_MULTI_NIC": "true", "MAX_ENI": "1"},
        most=51,
        expected=Explained(COMPARISON, ours=49, ipamd=51),
    ),
    # Types that ipamd's table does not list: ipamd calls EC2 and uses the total of all cards.
    custom("unlisted", "r9g.medium"),
    Case("unlisted-several-cards", "trn2u.48xlarge"),
    Case(
        "unlisted-several-cards-pod-eni",
        "trn2u.48xlarge",
        env=POD_ENI,
        trunk=False,
        expected=Explained(COMPARISON, ours=49, ipamd=98),
    ),
    Case("no-trunk", "t3.medium", env={**POD_ENI, "MAX_ENI": "2"}, trunk=False, diagnostics=("no-trunk-interface",)),
    custom("no-trunk-custom", "t3.micro", env=POD_ENI, trunk=False, diagnostics=("no-trunk-interface",)),
    Case("one-usable-pod-eni", "m5.large", env={**POD_ENI, "MAX_ENI": "1"}),
    Case(
        "one-usable-pod-eni-reserved",
        "m7g.medium",
        env=POD_ENI,
        interfaces=(NO_MANAGE,),
        flags=("--cni-reserved-enis=1",),
    ),
    Case("unlisted-trunk-hs1", "hs1.8xlarge", env={**POD_ENI, "MAX_ENI": "2"}, trunk=False),
    Case("unlisted-trunk-cr1", "cr1.8xlarge", env={**POD_ENI, "MAX_ENI": "2"}, trunk=False),
]

INTERFACES = [
    Case("no-manage", "m5.large", interfaces=(NO_MANAGE,), flags=("--cni-reserved-enis=1",)),
    Case("no-manage-false", "t3.micro", interfaces=(Interface(tags={"node.k8s.amazonaws.com/no_manage": "false"}),)),
    Case(
        "untagged-not-managed",
        "t3.micro",
        env={"MANAGE_UNTAGGED_ENI": "false"},
        interfaces=(Interface(),),
        flags=("--cni-reserved-enis=1",),
    ),
    Case("efa-only", "p5.48xlarge", interfaces=(Interface(kind="efa-only"),), flags=("--cni-reserved-enis=1",)),
    Case("efa", "hpc7a.12xlarge", interfaces=(Interface(kind="efa"),)),
    custom(
        "untagged-custom",
        "m5.large",
        interfaces=(Interface(),),
        pods_in={"node": 9, "pods": 9},
    ),
]


def attached(name, env=None, **more):
    """Returns a case for each of the two modes in which ipamd attaches nothing."""
    return [
        Case(f"{mode}-{name}", "m5.large", env={**(env or {}), variable: "true"}, fixed_pool=True, **more)
        for mode, variable in (
            ("imds-only", "ENABLE_IMDS_ONLY_MODE"),
            ("no-provisioning", "DISABLE_NETWORK_RESOURCE_PROVISIONING"),
        )
    ]


ATTACHED = [
    *attached("secondary", interfaces=(Interface(secondary=4),)),
    *attached("primary", primary_secondary=3),
    *attached("both", primary_secondary=3, interfaces=(Interface(secondary=4),)),
    *attached("prefixes", env=PREFIXES, primary_prefixes=1, interfaces=(Interface(prefixes=2),)),
    *attached(
        "prefixes-off", primary_prefixes=1, primary_secondary=2, interfaces=(Interface(prefixes=2, secondary=3),)
    ),
    *attached(
        "addresses-with-prefixes", env=PREFIXES, primary_secondary=2, interfaces=(Interface(prefixes=2, secondary=3),)
    ),
    *attached("custom", env=CUSTOM, eni_configs=ZONE_CONFIG, interfaces=(Interface(subnet="pods", secondary=4),)),
    *attached(
        "custom-primary",
        env=CUSTOM,
        eni_configs=ZONE_CONFIG,
        primary_secondary=3,
        interfaces=(Interface(subnet="pods", secondary=4),),
        pods_in={"node": 3, "pods": 4},
    ),
    *attached(
        "custom-prefixes",
        env={**CUSTOM, **PREFIXES},
        eni_configs=ZONE_CONFIG,
        primary_prefixes=1,
        interfaces=(Interface(subnet="pods", prefixes=2),),
    ),
    *attached(
        "nothing",
        interfaces=(Interface(),),
        expected=Refused(78, "uses only the attached network interfaces, and they have no"),
    ),
    *attached(
        "excluded",
        tags={"other": EXCLUDED},
        interfaces=(Interface(secondary=3), Interface(subnet="other", secondary=4)),
    ),
    *attached(
        "node-excluded",
        tags={"node": EXCLUDED},
        primary_secondary=3,
        interfaces=(Interface(subnet="other", secondary=4),),
        pods_in={"other": 4},
    ),
    *attached(
        "not-managed", env={"MANAGE_UNTAGGED_ENI": "false"}, primary_secondary=3, interfaces=(Interface(secondary=4),)
    ),
    Case(
        "no-provisioning-no-manage",
        "m5.large",
        env={"DISABLE_NETWORK_RESOURCE_PROVISIONING": "true"},
        interfaces=(Interface(secondary=3), replace(NO_MANAGE, secondary=4)),
        flags=("--cni-reserved-enis=1",),
        fixed_pool=True,
    ),
    # ipamd attaches interfaces as usual, although the primary one has addresses.
    Case("primary-secondary", "m5.large", env={"MAX_ENI": "2"}, primary_secondary=3),
    Case("primary-prefix", "t3.micro", env=PREFIXES, primary_prefixes=1),
    custom(
        "custom-primary-secondary",
        "t3.small",
        primary_secondary=2,
        diagnostics=("pods-in-node-subnet",),
        expected=Explained(COMPARISON, ours=6, ipamd=8),
    ),
    custom(
        "custom-primary-prefix",
        "t3.micro",
        env=PREFIXES,
        primary_prefixes=1,
        diagnostics=("primary-addresses-unused",),
    ),
]

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
]

# With custom networking, both programs refuse MAX_ENI=1. Without custom networking, both serve pods.
VALUES = [
    custom("custom-T", "t3.micro", env={"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "T"}),
    custom("custom-1", "t3.micro", env={"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "1"}),
    custom(
        "custom-yes",
        "t3.micro",
        env={"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "yes", "MAX_ENI": "1"},
        diagnostics=("cni-variable-invalid",),
    ),
    custom(
        "custom-space",
        "t3.micro",
        env={"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": " true", "MAX_ENI": "1"},
        diagnostics=("cni-variable-invalid",),
    ),
    custom("custom-empty", "t3.micro", env={"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "", "MAX_ENI": "1"}),
    custom("max-eni-minus-1", "t3.micro", env={"MAX_ENI": "-1"}),
    Case("max-eni-plus-1", "t3.micro", env={"MAX_ENI": "+1"}),
    custom("max-eni-hexadecimal", "t3.micro", env={"MAX_ENI": "0x1"}, diagnostics=("cni-variable-invalid",)),
    custom("max-eni-0", "t3.micro", env={"MAX_ENI": "0"}),
    custom("max-eni-space", "t3.micro", env={"MAX_ENI": " 1"}, diagnostics=("cni-variable-invalid",)),
    Case(
        "warm-minus-1",
        "m5.large",
        env={"MINIMUM_IP_TARGET": "4", "WARM_IP_TARGET": "-1"},
        diagnostics=("minimum-ip-target-caps",),
    ),
    custom("max-eni-empty", "t3.micro", env={"MAX_ENI": ""}),
    Case("prefixes-t", "t3.micro", env={**PREFIXES, "ENABLE_PREFIX_DELEGATION": "t", "MAX_ENI": "1"}),
    Case(
        "minimum-plus-3",
        "m5.large",
        env={"MINIMUM_IP_TARGET": "+3", "WARM_IP_TARGET": "00"},
        diagnostics=("minimum-ip-target-caps",),
    ),
]

ENI_CONFIGS = [
    custom("zone-label", "t3.micro", env={"ENI_CONFIG_LABEL_DEF": "topology.kubernetes.io/zone"}),
    custom(
        "external-label",
        "t3.micro",
        env={"ENI_CONFIG_LABEL_DEF": "topology.kubernetes.io/zone"},
        eni_configs={"prod-us-east-1a": "pods", "us-east-1a": "node"},
        flags=("--eni-config-name=prod-{zone}", "--eni-config-label=vpc.amazonaws.com/externalEniConfig"),
    ),
    custom("own-label", "t3.micro", env={"ENI_CONFIG_LABEL_DEF": "example.com/eni-config"}),
    custom(
        "default-eniconfig",
        "t3.micro",
        eni_configs={"default": "pods"},
        settings='[eni-config]\nname = "default"\nlabel = ""\n',
    ),
    custom("zone-and-default-eniconfig", "t3.micro", eni_configs={**ZONE_CONFIG, "default": "node"}),
    custom("label-empty", "t3.micro", env={"ENI_CONFIG_LABEL_DEF": ""}),
    custom("cordoned-managed", "t3.micro", env={"AWS_MANAGE_ENIS_NON_SCHEDULABLE": "true"}, cordoned=True),
    custom("no-security-groups", "t3.micro", security_groups=False),
    custom("no-eniconfig", "t3.micro", eni_configs={}, expected=Refused(75, "not found", command="wait")),
    custom(
        "eniconfig-without-subnet",
        "t3.micro",
        eni_configs={"us-east-1a": ""},
        expected=Refused(75, "spec.subnet", command="wait"),
    ),
    custom(
        "eniconfig-of-other-zone",
        "t3.micro",
        eni_configs={"us-east-1a": "zone-b"},
        expected=Refused(75, "us-east-1b", command="wait"),
    ),
    custom(
        "cordoned",
        "t3.micro",
        cordoned=True,
        expected=Explained(COMPARISON, ours=1, ipamd=0),
    ),
]

FAMILIES = [
    Case("ipv6", "m5.large", env={**IPV6, **PREFIXES}, fixed_pool=True, most=110),
    custom("ipv6-custom", "m5.large", env={**IPV6, **PREFIXES}, expected=Refused(78, "IPv6")),
    Case("ipv6-no-prefixes", "m5.large", env=IPV6, expected=Refused(78, "IPv6")),
]

CASES = {case.name: case for case in MODES + TYPES + INTERFACES + ATTACHED + SUBNETS + VALUES + ENI_CONFIGS + FAMILIES}
