"""What several cases have in common."""

from case import Case, Interface

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
