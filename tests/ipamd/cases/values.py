"""Cases for values of environment variables, and for ENIConfigs and labels."""

from case import Case, Explained, Refused
from cases.common import COMPARISON, PREFIXES, ZONE_CONFIG, custom

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
