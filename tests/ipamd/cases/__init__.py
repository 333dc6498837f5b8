"""The cases: which instances and clusters the two programs are compared on.

Most types are small, because ipamd attaches one interface in each round of its pool manager, which takes
5 seconds. WARM_PREFIX_TARGET=100 lets it fill each interface in one round.
"""

from cases.excluded import EXCLUDED_INTERFACES
from cases.features import FAMILIES, MODES, TYPES
from cases.interfaces import ATTACHED, INTERFACES
from cases.subnets import SUBNETS
from cases.values import ENI_CONFIGS, VALUES

ALL = MODES + TYPES + INTERFACES + ATTACHED + SUBNETS + EXCLUDED_INTERFACES + VALUES + ENI_CONFIGS + FAMILIES
CASES = {case.name: case for case in ALL}
