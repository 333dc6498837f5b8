"""Cases for network interfaces and addresses that the instance starts with."""

from dataclasses import replace

from case import Case, Explained, Interface, Refused
from cases.common import COMPARISON, CUSTOM, EXCLUDED, NO_MANAGE, PREFIXES, ZONE_CONFIG, custom

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
