"""Network interfaces that are attached before the start, on nodes whose own subnet a tag excludes."""

from case import Case, Interface, Refused
from cases.common import EXCLUDED, INCLUDED, custom

EXCLUDED_INTERFACES = [
    Case(
        "node-excluded-attached",
        "t3.small",
        tags={"node": EXCLUDED, "other": INCLUDED},
        interfaces=(Interface(),),
        pods_in={"other": 3},
    ),
    Case(
        "node-excluded-attached-all",
        "t3.small",
        tags={"node": EXCLUDED, "other": INCLUDED},
        interfaces=(Interface(secondary=3), Interface(secondary=3)),
        expected=Refused(78, "no network interface is left for pods"),
    ),
    Case(
        "node-excluded-alone-attached-other",
        "t3.small",
        tags={"node": EXCLUDED},
        interfaces=(Interface(subnet="other"),),
        pods_in={"other": 3},
    ),
    Case(
        "node-excluded-no-discovery-attached",
        "t3.small",
        env={"ENABLE_SUBNET_DISCOVERY": "false"},
        tags={"node": EXCLUDED},
        interfaces=(Interface(),),
        pods_in={"node": 6},
    ),
    custom(
        "node-excluded-custom-attached",
        "t3.small",
        tags={"node": EXCLUDED},
        interfaces=(Interface(),),
    ),
]
