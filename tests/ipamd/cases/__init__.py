"""The cases: which instances and clusters the two programs are compared on.

Most types are small, because ipamd attaches one interface in each round of its pool manager, which takes
5 seconds. WARM_PREFIX_TARGET=100 lets it fill each interface in one round.
"""

from cases.features import FAMILIES, MODES, TYPES
from cases.interfaces import ATTACHED, INTERFACES
from cases.subnets import SUBNETS
from cases.values import ENI_CONFIGS, VALUES

CASES = {case.name: case for case in MODES + TYPES + INTERFACES + ATTACHED + SUBNETS + VALUES + ENI_CONFIGS + FAMILIES}
