"""The types of a case: an instance, the VPC CNI's configuration, and the expected agreement."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Interface:
    """A network interface that something else than ipamd attached before the node starts."""

    subnet: str = "node"
    tags: dict = field(default_factory=dict)
    kind: str = "interface"
    card: int = 0
    # Secondary IPv4 addresses, or /28 prefixes.
    secondary: int = 0
    prefixes: int = 0


@dataclass(frozen=True)
class Refused:
    """eni-bootstrap fails, and ipamd exits or serves no pod."""

    # The exit code of `command`, and a part of its error message.
    exit_code: int
    message: str
    command: str = "plan"


@dataclass(frozen=True)
class Explained:
    """The values differ, and a section of the documentation explains why."""

    section: str
    ours: int
    ipamd: int


@dataclass(frozen=True)
class Case:
    """An instance and a cluster. Without `expected`, both programs must have the same value."""

    name: str
    instance_type: str
    # Environment variables of aws-node. They override the chart's defaults; None removes a variable.
    env: dict = field(default_factory=dict)
    # The subnet ("pods", "node", "other", "zone-b", or a literal text) and the security group of each ENIConfig.
    eni_configs: dict = field(default_factory=dict)
    security_groups: bool = True
    # Tags of the subnets "node", "pods" and "other".
    tags: dict = field(default_factory=dict)
    interfaces: tuple = ()
    # Secondary IPv4 addresses and /28 prefixes of the primary interface at launch.
    primary_secondary: int = 0
    primary_prefixes: int = 0
    # Flags and a settings file (TOML) of eni-bootstrap.
    flags: tuple = ()
    settings: str = ""
    # Whether eni-bootstrap reaches the cluster through a kubeconfig instead of as an EKS node.
    kubeconfig: bool = False
    # Whether the Node has the max-pods of eni-bootstrap as its capacity. Otherwise the capacity is
    # higher than what any instance type has, so that only ipamd's own limits count.
    capacity_is_max_pods: bool = False
    cordoned: bool = False
    # Actions of EC2 that IAM denies to both programs. `ec2.DENIABLE` contains the possible ones.
    denied: tuple = ()
    # Whether the VPC resource controller attaches a trunk to this instance type.
    trunk: bool = True
    # ipamd's pool does not change after its start, so there is no round to wait for.
    fixed_pool: bool = False
    # Stop after this many pods: the comparison is then "at least".
    most: int | None = None
    # Codes of diagnostics that `plan` must have.
    diagnostics: tuple = ()
    # The subnets of the pods' addresses, if not only the ENIConfig's or the node's one.
    pods_in: dict | None = None
    expected: Refused | Explained | None = None
    # About how many rounds of ipamd's pool manager the case takes. The longest cases start first.
    rounds: int = 2

    def custom_networking(self):
        """Returns whether ipamd parses the variable as true."""
        # Source: strconv.ParseBool of Go.
        return self.env.get("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG") in ("1", "t", "T", "TRUE", "true", "True")

    def pod_eni(self):
        """Returns whether security groups for pods are on."""
        return self.env.get("ENABLE_POD_ENI") == "true"
