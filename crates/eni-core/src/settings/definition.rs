//! The definition of every setting.
//!
//! Types, keys, flags, environment variables, help texts and `packaging/50-defaults.toml` follow
//! from this file. To add a setting, add an entry here, use it, and run
//! `UPDATE_GOLDEN=1 cargo test -p eni-core settings` to regenerate the reference.

#![expect(clippy::doc_markdown, reason = "the help texts and the reference print these comments")]

use super::basis::ReserveBasis;
use super::flags::value_of;
use super::labels::labels;
use super::table::{self, Definition, Section, settings, toml_value};
use super::time_limit::{FallbackWait, RetryLimit, Timeout};
use super::value::{
    CniSource, EniConfigLabel, LabelMap, OnFullSubnet, OnTimeout, SettingType, TimeSpan, Wait,
};
use crate::domain::capacity::Ceiling;
use crate::domain::cni::IpFamily;
use crate::domain::cni_version::CniVersion;
use crate::domain::eni_config::NameTemplate;
use crate::domain::quantity::Quantity;
use crate::host::HostKind;
use crate::host::existing_config::{EniConfigPolicy, Policy};
use clap::ArgMatches;
use clap::builder::ValueParser;
use serde::Deserialize;
use std::any::TypeId;
use std::path::PathBuf;
use std::time::Duration;

settings! {
    /// The VPC CNI configuration on which eni-bootstrap bases its calculation.
    ///
    /// By default, eni-bootstrap reads this configuration from the aws-node DaemonSet. Each key
    /// that you set here overrides the value from the DaemonSet, but only in eni-bootstrap. The keys do not change the
    /// DaemonSet.
    cni: CniSettings {
        /// Source of the CNI configuration
        ///
        /// With "cluster", the node needs permission to read the aws-node DaemonSet: apply
        /// packaging/rbac.yaml. eni-bootstrap also reads the ConfigMaps that the DaemonSet
        /// references. With "settings", `cni.custom-networking` defaults to true, and the other CNI
        /// settings default to false, 0 or "ipv4", and `cni.version` to 1.23.2.
        source: CniSource = "SOURCE", default(CniSource::Cluster);
        /// AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: pods use the subnet of an ENIConfig
        ///
        /// If true, pods do not use the primary network interface, and eni-bootstrap waits for the
        /// ENIConfig.
        custom_networking: bool = "BOOL", unset("from the cluster", "true"), "essential";
        /// ENABLE_PREFIX_DELEGATION: the CNI assigns /28 prefixes to interfaces
        ///
        /// On Xen instance types, the CNI assigns secondary IPv4 addresses instead. For these types,
        /// eni-bootstrap also calculates max-pods from secondary addresses, and logs a warning.
        prefix_delegation: bool = "BOOL", unset("from the cluster", "false"), "essential";
        /// MAX_ENI: maximum number of network interfaces that the CNI uses
        ///
        /// The number includes the primary network interface. 0 means no limit.
        max_eni: u32 = "N", unset("from the cluster", "0");
        /// ENABLE_POD_ENI: the CNI supports security groups for pods
        ///
        /// On instance types that support a trunk interface, the trunk uses one network interface,
        /// which leaves one fewer for pods.
        pod_eni: bool = "BOOL", unset("from the cluster", "false");
        /// Number of network interfaces that the CNI does not manage
        ///
        /// Include the interfaces on the default network card that have the tag
        /// node.k8s.amazonaws.com/no_manage=true, are EFA-only, or are not created by the CNI if
        /// MANAGE_UNTAGGED_ENI is false. The DaemonSet does not contain this number.
        reserved_enis: u32 = "N", unset("0", "0");
        /// ENABLE_IPv6: IP family of the pods
        ///
        /// As in the CNI, IPv6 requires prefix delegation and cannot be combined with custom
        /// networking.
        ip_family: IpFamily = "FAMILY", unset("from the cluster", "\"ipv4\"");
        /// ENABLE_MULTI_NIC: pods use the network interfaces of all network cards
        multi_nic: bool = "BOOL", unset("from the cluster", "false");
        /// MINIMUM_IP_TARGET: minimum number of IP addresses that the CNI allocates on the node
        ///
        /// 0 means unset. If `cni.warm-ip-target` is unset, the CNI never allocates more than this
        /// number, so this number limits max-pods.
        minimum_ip_target: u32 = "N", unset("from the cluster", "0");
        /// WARM_IP_TARGET: number of free IP addresses that the CNI keeps available
        ///
        /// 0 means unset.
        warm_ip_target: u32 = "N", unset("from the cluster", "0");
        /// ENABLE_IMDS_ONLY_MODE: the CNI reads its network interfaces from IMDS
        ///
        /// The CNI then attaches no network interfaces, and max-pods is the number of addresses that
        /// the attached network interfaces have.
        imds_only: bool = "BOOL", unset("from the cluster", "false");
        /// DISABLE_NETWORK_RESOURCE_PROVISIONING: the CNI attaches no network interfaces
        ///
        /// max-pods is then the number of addresses that the attached network interfaces have.
        disable_provisioning: bool = "BOOL", unset("from the cluster", "false");
        /// Whether a tag excludes the subnet of the primary network interface from pods
        ///
        /// From version 1.22.0, the CNI assigns no address of the primary network interface to pods if a
        /// tag excludes its subnet, such as kubernetes.io/role/cni=0. By default, eni-bootstrap reads the
        /// tags with ec2:DescribeSubnets.
        ///
        /// With custom networking, this setting changes max-pods only if another network interface is attached
        /// in this subnet, or if the CNI attaches no network interfaces.
        primary_subnet_excluded: bool = "BOOL", unset("from the tags of the subnet", "false");
        /// Version of the CNI
        ///
        /// eni-bootstrap reads the version from the tag of the aws-node image. If the tag contains no
        /// version, eni-bootstrap assumes 1.18.0 or later. If max-pods still depends on the version, it
        /// uses the lower max-pods, unless that leaves no pods. With `cni.source = "settings"`, the
        /// default is 1.23.2.
        version: CniVersion = "VERSION", unset("from the aws-node image", "\"1.20.4\"");
    }

    /// Which ENIConfig this node uses, and how long to wait for it.
    ///
    /// Without custom networking, only two keys have an effect: `wait` limits the time for reading
    /// the CNI configuration, and `verify` enables the check of the free addresses.
    eni_config: EniConfigSettings {
        /// Name of the ENIConfig
        ///
        /// The name must be valid as both an object name and a label value: at most 63 lowercase
        /// letters, digits, dots and dashes. The field {tag:KEY} requires instance tags in instance
        /// metadata (InstanceMetadataTags=enabled).
        name: NameTemplate = "TEMPLATE", default(NameTemplate::default()), "essential";
        /// Node label that contains the name of the ENIConfig
        ///
        /// By default, eni-bootstrap sets the label named by the ENI_CONFIG_LABEL_DEF variable of
        /// the aws-node DaemonSet, or k8s.amazonaws.com/eniConfig if that variable is not set. If
        /// that label is a zone label, which the node has anyway, eni-bootstrap adds no separate
        /// label. From version 1.11.0, the CNI reads the label "vpc.amazonaws.com/externalEniConfig"
        /// before any other label. If the CNI would select another ENIConfig, eni-bootstrap fails.
        label: EniConfigLabel = "KEY", unset("the label that the CNI reads", "\"k8s.amazonaws.com/eniConfig\"");
        /// What to do if the node already has a label that names another ENIConfig
        ///
        /// Existing labels come from --node-labels flags (in user data, drop-ins, kubelet.service or
        /// the kubelet snap) and from Bottlerocket's settings. The CNI reads
        /// vpc.amazonaws.com/externalEniConfig first, and then the label named by
        /// ENI_CONFIG_LABEL_DEF. With "respect", eni-bootstrap fails if `eni-config.name` is set and
        /// gives another name than the label.
        policy: EniConfigPolicy = "POLICY", default(EniConfigPolicy::Respect);
        /// Total time to wait for the CNI configuration and the ENIConfig
        ///
        /// On Bottlerocket, eni-bootstrap rejects "forever".
        wait: Wait = "TIME", default(Wait::For(Duration::from_mins(10))), "essential";
        /// Action if the ENIConfig is missing or invalid after the timeout
        ///
        /// If the CNI configuration is still unknown after the timeout, eni-bootstrap always fails.
        on_timeout: OnTimeout = "ACTION", default(OnTimeout::Fail), "essential";
        /// Action if the subnet for pods is full
        ///
        /// The subnet is full if it has no free address or, with prefix delegation, no free /28 prefix for
        /// the first pod of this node. A node that already has pod addresses starts in any case. Karpenter
        /// replaces a node that does not register within 15 minutes, so a long wait only adds cost. If
        /// eni-bootstrap fails at once, it exits with 79 and creates an Event for the node if it has the
        /// permission. With `eni-config.on-timeout = "continue"`, eni-bootstrap always waits.
        on_full_subnet: OnFullSubnet = "ACTION", default(OnFullSubnet::Auto);
        /// Check the subnets for pods against EC2 before the kubelet starts
        ///
        /// The subnet of the ENIConfig must be in the zone and the VPC of the node. It must have free
        /// addresses or, with prefix delegation, free /28 prefixes. The security groups must exist. If
        /// IAM denies the API call for a check, eni-bootstrap skips the check and logs the reason. After
        /// a failed check, eni-bootstrap retries until the timeout. Without custom networking,
        /// eni-bootstrap only checks the free addresses of the subnets for pods, and a shortage is a
        /// warning. With `cni.source = "settings"`, eni-bootstrap checks only nodes with custom networking.
        verify: bool = "BOOL", default(true);
    }

    /// The number of pods that the kubelet accepts (max-pods).
    pods: PodsSettings {
        /// Upper limit for the computed max-pods
        ceiling: Ceiling = "CEILING", default(Ceiling::Recommended), "essential";
        /// Fixed value for max-pods
        ///
        /// 0 means that eni-bootstrap computes max-pods. If the value exceeds the number of pods that
        /// the node has IP addresses for, eni-bootstrap logs a warning. If `pods.max` is set,
        /// eni-bootstrap ignores `pods.policy` and `pods.ceiling`.
        max: u32 = "N", unset("computed", "0"), "essential";
        /// Which value to use if the node already has a max-pods value
        ///
        /// Existing values come from user data (managed node groups, Karpenter), from drop-ins of
        /// nodeadm or the kubelet, and from kubelet flags. The log states which value is used.
        /// `respect` also keeps existing kube-reserved values. `override` and `lower` replace them and
        /// log a warning.
        policy: Policy = "POLICY", default(Policy::Override), "essential";
        /// Number of host-network pods in addition to aws-node and kube-proxy
        ///
        /// Host-network pods need no IP address from the CNI, so this number is added to max-pods.
        extra: u32 = "N", default(0);
    }

    /// Resources that the kubelet reserves for itself and the container runtime (kubeReserved).
    ///
    /// By default, eni-bootstrap uses the same formulas as nodeadm.
    reserve: ReserveSettings {
        /// Reserved CPU, such as "100m" or "1"
        ///
        /// The formula reserves 6% of the first CPU, 1% of the second, 0.5% of the third and the
        /// fourth, and 0.25% of each additional CPU.
        cpu: Quantity = "QUANTITY", unset("computed from the number of CPUs", "\"70m\"");
        /// Reserved memory, such as "500Mi" or "1Gi"
        memory: Quantity = "QUANTITY", unset("255Mi + 11Mi × max-pods", "\"475Mi\"");
        /// Reserved ephemeral storage, such as "500Mi" or "1Gi"
        ephemeral_storage: Quantity = "QUANTITY", unset("1Gi", "\"1Gi\"");
        /// Basis of the memory reserve
        ///
        /// On Amazon Linux, Karpenter plans with 255Mi + 11Mi × the number of pods without prefixes and
        /// custom networking. If a node reserves more, pods that Karpenter schedules do not fit. With
        /// "auto" and "karpenter", a Karpenter node also keeps kubeReserved of its EC2NodeClass.
        basis: ReserveBasis = "BASIS", default(ReserveBasis::Auto);
    }

    /// How to reach the API server of the cluster.
    ///
    /// By default, eni-bootstrap uses the first of these sources that has the name, endpoint and
    /// certificate authority: the NodeConfig in user data, the resolved configuration of nodeadm,
    /// the kubeconfig of the kubelet, or the settings of Bottlerocket. If only the name is known,
    /// eni-bootstrap calls eks:DescribeCluster.
    cluster: ClusterSettings {
        /// Name of the cluster
        ///
        /// eni-bootstrap signs its API server token for this cluster.
        name: String = "NAME", unset("detected on the node", "\"prod\""), "essential";
        /// URL of the API server
        endpoint: String = "URL", unset("detected on the node, or from eks:DescribeCluster", "\"https://0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com\"");
        /// Certificate authority of the API server: PEM, encoded in base64
        ///
        /// `aws eks describe-cluster` prints it as certificateAuthority.data. eni-bootstrap ignores
        /// white space in this value, such as line breaks.
        certificate_authority: String = "BASE64", unset("detected on the node, or from eks:DescribeCluster", "\"LS0tLS1CRUdJTi…\"");
        /// Kubeconfig file for the connection to the API server
        ///
        /// It replaces `cluster.endpoint`, `cluster.certificate-authority` and the token of the
        /// node's IAM role. eni-bootstrap then ignores `cluster.name`.
        kubeconfig: PathBuf = "FILE", unset("none", "\"/etc/eni-bootstrap/kubeconfig\"");
    }

    /// The image family of the node.
    host: HostSettings {
        /// Image family, which determines the files that eni-bootstrap writes
        kind: HostKind = "KIND", default(HostKind::Auto), "essential", "alias host";
        /// How long to wait for Bottlerocket to render the kubelet's files
        ///
        /// Bottlerocket renders these files from its settings, usually within a second.
        render_wait: TimeSpan = "TIME", default(TimeSpan(Duration::from_secs(30)));
    }

    /// The fallback to the values of the last successful run.
    ///
    /// After each successful run, eni-bootstrap records the CNI configuration, the cluster, the
    /// limits of the instance type and the ENIConfig. A later boot of the same instance and type
    /// uses these values if the API server, EKS or EC2 does not respond.
    fallback: FallbackSettings {
        /// How long to wait for a response before using the recorded values
        ///
        /// This timeout applies only if the node has a record of a successful run. A response that
        /// contradicts the record takes precedence over it.
        wait: FallbackWait = "TIME", default(FallbackWait::After(Duration::from_secs(30)));
    }

    /// The attempts to start the kubelet after `run` has failed.
    ///
    /// If `eni-bootstrap run` fails, eni-bootstrap-retry.service starts the kubelet's unit again after a
    /// pause. systemd then runs `eni-bootstrap run` first. This section has no effect on Bottlerocket.
    retry: RetrySettings {
        /// How long to retry after the first failure
        ///
        /// After this time, the kubelet does not start until you start its unit or reboot the node.
        limit: RetryLimit = "TIME", default(RetryLimit::Forever);
        /// How long to retry if no run has succeeded on this instance yet
        ///
        /// For nodes that Karpenter launches, set less than 15 minutes: Karpenter replaces a node that
        /// does not register within 15 minutes.
        first_boot: RetryLimit = "TIME", unset("the value of retry.limit", "\"10m\"");
        /// Pause before the first attempt; each later pause is about twice as long
        pause: TimeSpan = "TIME", default(TimeSpan(Duration::from_secs(30)));
        /// Longest pause between two attempts
        ///
        /// If the settings or the command line are invalid, every pause has this length, because a
        /// retry cannot succeed until you correct them.
        longest_pause: TimeSpan = "TIME", default(TimeSpan(Duration::from_mins(10)));
    }

    /// The instance metadata service (IMDS).
    imds: ImdsSettings {
        /// Timeout for reading instance metadata
        ///
        /// This timeout also covers the time that eni-bootstrap needs to look up an instance type that is
        /// not in the embedded table, and to wait for another eni-bootstrap process to finish.
        ///
        /// If an optional item is missing, such as the zone ID or an instance tag, eni-bootstrap retries
        /// it for one twentieth of this timeout.
        wait: Timeout = "TIME", default(Timeout::from_mins(2));
    }

    /// The metrics of `run` for the textfile collector of the Prometheus node exporter.
    metrics: MetricsSettings {
        /// Directory in which `run` writes eni_bootstrap.prom when it ends
        dir: PathBuf = "DIRECTORY", unset("none", "\"/var/lib/node_exporter/textfile_collector\"");
    }
}
