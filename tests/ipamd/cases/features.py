"""Cases for the features of the VPC CNI, the instance types and the IP families."""

from case import Case, Explained, Refused
from cases.common import COMPARISON, IPV6, NO_MANAGE, POD_ENI, PREFIXES, custom

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


FAMILIES = [
    Case("ipv6", "m5.large", env={**IPV6, **PREFIXES}, fixed_pool=True, most=110),
    custom("ipv6-custom", "m5.large", env={**IPV6, **PREFIXES}, expected=Refused(78, "IPv6")),
    Case("ipv6-no-prefixes", "m5.large", env=IPV6, expected=Refused(78, "IPv6")),
]
