//! The definition of every setting.
//!
//! Types, keys, flags, environment variables, help texts and `packaging/50-defaults.toml` follow
//! from this file. To add a setting, add an entry here, use it, and run
//! `UPDATE_GOLDEN=1 cargo test -p eni-core settings` to regenerate the reference.

#![expect(clippy::doc_markdown, reason = "the help texts and the reference print these comments")]

use super::flags::value_of;
use super::table::{self, Definition, Section, settings, toml_value};
use super::value::{CniSource, EniConfigLabel, LabelMap, OnTimeout, SettingType, TimeSpan, Wait};
use crate::domain::capacity::Ceiling;
use crate::domain::cni::IpFamily;
use crate::domain::eni_config::NameTemplate;
use crate::domain::quantity::Quantity;
use crate::host::HostKind;
use crate::host::existing_config::Policy;
use clap::ArgMatches;
use clap::builder::ValueParser;
use serde::Deserialize;
use std::any::TypeId;
use std::path::PathBuf;
use std::time::Duration;

settings! {
    /// Configuration of the Amazon VPC CNI that eni-bootstrap assumes.
    ///
    /// By default eni-bootstrap reads it from the aws-node DaemonSet. Each key that you set here
    /// overrides one value for the calculation. The keys do not change the DaemonSet.
    cni: CniSettings {
        /// Source of the CNI configuration
        ///
        /// With "cluster", the node needs permission to read the aws-node DaemonSet: apply
        /// packaging/rbac.yaml. ConfigMaps that the DaemonSet refers to are read, too. With
        /// "settings", custom-networking defaults to true, and every other key of this section to
        /// false, 0 or "ipv4".
        source: CniSource = "SOURCE", default(CniSource::Cluster);
        /// AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: pods use the subnet of an ENIConfig
        ///
        /// The primary network interface then carries no pods, and eni-bootstrap waits for the
        /// ENIConfig.
        custom_networking: bool = "BOOL", unset("from the cluster", "true"), "essential";
        /// ENABLE_PREFIX_DELEGATION: the CNI assigns /28 prefixes to interfaces
        ///
        /// On Xen instance types the CNI falls back to secondary IPv4 addresses. The calculation
        /// does the same and logs a warning.
        prefix_delegation: bool = "BOOL", unset("from the cluster", "false"), "essential";
        /// MAX_ENI: maximum number of network interfaces that the CNI uses
        ///
        /// The number includes the primary network interface. 0 means no limit.
        max_eni: u32 = "N", unset("from the cluster", "0");
        /// ENABLE_POD_ENI: the CNI supports security groups for pods
        ///
        /// On instance types that support a trunk interface, the trunk uses one network interface.
        pod_eni: bool = "BOOL", unset("from the cluster", "false");
        /// Number of network interfaces that the CNI does not manage
        ///
        /// Count the interfaces of the default network card that have the tag
        /// node.k8s.amazonaws.com/no_manage, that are EFA-only, or that another program attaches.
        /// The DaemonSet does not contain this number.
        reserved_enis: u32 = "N", unset("0", "0");
        /// ENABLE_IPv6: IP family of the pods
        ///
        /// As in the CNI, IPv6 requires prefix delegation and excludes custom networking.
        ip_family: IpFamily = "FAMILY", unset("from the cluster", "\"ipv4\"");
        /// ENABLE_MULTI_NIC: the network interfaces of all network cards serve pods
        multi_nic: bool = "BOOL", unset("from the cluster", "false");
        /// MINIMUM_IP_TARGET: number of IP addresses that the CNI allocates at startup
        ///
        /// 0 means unset. Without warm-ip-target the CNI never allocates more than this number, so
        /// it limits max-pods.
        minimum_ip_target: u32 = "N", unset("from the cluster", "0");
        /// WARM_IP_TARGET: number of free IP addresses that the CNI keeps available
        ///
        /// 0 means unset.
        warm_ip_target: u32 = "N", unset("from the cluster", "0");
    }

    /// The ENIConfig of this node, and the wait for it.
    ///
    /// Without custom networking, only wait is used: it is the timeout for reading the CNI
    /// configuration.
    eni_config: EniConfigSettings {
        /// Name of the ENIConfig
        ///
        /// {tag:KEY} requires instance tags in instance metadata (InstanceMetadataTags=enabled).
        /// The name must be a valid label value: at most 63 lowercase letters, digits, dots and
        /// dashes.
        name: NameTemplate = "TEMPLATE", default(NameTemplate::default()), "essential";
        /// Node label that holds the name of the ENIConfig
        ///
        /// By default this is the label in ENI_CONFIG_LABEL_DEF of the aws-node DaemonSet, or
        /// k8s.amazonaws.com/eniConfig. If that is a zone label, the node already has it. The CNI
        /// reads "vpc.amazonaws.com/externalEniConfig" before any other label. eni-bootstrap fails
        /// if the CNI would select another ENIConfig than the one in name.
        label: EniConfigLabel = "KEY", unset("the label that the CNI reads", "\"k8s.amazonaws.com/eniConfig\"");
        /// Timeout for the CNI configuration and the ENIConfig together
        ///
        /// A Bottlerocket bootstrap container must not use "forever".
        wait: Wait = "TIME", default(Wait::For(Duration::from_mins(10))), "essential";
        /// Action if the ENIConfig is missing or invalid after the timeout
        ///
        /// If the CNI configuration is still unknown after the timeout, eni-bootstrap always fails.
        on_timeout: OnTimeout = "ACTION", default(OnTimeout::Fail), "essential";
        /// Check the ENIConfig against EC2 before the kubelet starts
        ///
        /// The subnet must be in the zone and the VPC of the node and must have free addresses, or
        /// free /28 prefixes with prefix delegation. The security groups must exist. A check that
        /// IAM denies is skipped, and the log states the reason. After a failed check,
        /// eni-bootstrap retries until the timeout.
        verify: bool = "BOOL", default(true);
    }

    /// The number of pods that the kubelet accepts (max-pods).
    pods: PodsSettings {
        /// Upper limit of max-pods
        ceiling: Ceiling = "CEILING", default(Ceiling::Recommended), "essential";
        /// Fixed value for max-pods
        ///
        /// 0 means that max-pods is computed. If the value exceeds the IP addresses of the node,
        /// the log contains a warning. A fixed value takes precedence over policy.
        max: u32 = "N", default(0), "essential";
        /// Precedence between the computed max-pods and an existing value on the node
        ///
        /// Existing values come from user data (managed node groups, Karpenter), from drop-ins of
        /// nodeadm or the kubelet, and from kubelet flags. The log states which value is used.
        policy: Policy = "POLICY", default(Policy::Override), "essential";
        /// Number of host-network pods in addition to aws-node and kube-proxy
        ///
        /// Host-network pods use no IP address of the CNI.
        extra: u32 = "N", default(0);
    }

    /// Resources that the kubelet reserves for itself and the container runtime (kubeReserved).
    ///
    /// By default eni-bootstrap uses the formulas of nodeadm.
    reserve: ReserveSettings {
        /// Reserved CPU
        ///
        /// The formula reserves 6 % of the first CPU, 1 % of the second, 0.5 % of the third and the
        /// fourth, and 0.25 % of each further CPU.
        cpu: Quantity = "QUANTITY", unset("computed from the number of CPUs", "\"70m\"");
        /// Reserved memory
        memory: Quantity = "QUANTITY", unset("255Mi + 11Mi × max-pods", "\"475Mi\"");
        /// Reserved ephemeral storage
        ephemeral_storage: Quantity = "QUANTITY", unset("1Gi", "\"1Gi\"");
    }

    /// How to reach the API server of the cluster.
    ///
    /// By default eni-bootstrap uses the first of these sources that is complete: the NodeConfig in
    /// user data, the resolved configuration of nodeadm, the kubeconfig of the kubelet, and the
    /// settings of Bottlerocket. If only the name is known, it calls eks:DescribeCluster.
    cluster: ClusterSettings {
        /// Name of the cluster
        ///
        /// The node's token is valid for this cluster only.
        name: String = "NAME", unset("from the node", "\"prod\""), "essential";
        /// URL of the API server
        endpoint: String = "URL", unset("from the node or eks:DescribeCluster", "\"https://0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com\"");
        /// Certificate authority of the API server: PEM, encoded in base64
        ///
        /// `aws eks describe-cluster` prints it as certificateAuthority.data.
        certificate_authority: String = "BASE64", unset("from the node or eks:DescribeCluster", "\"LS0tLS1CRUdJTi…\"");
        /// Kubeconfig file to use instead of the three settings above and the node's identity
        kubeconfig: PathBuf = "FILE", unset("none", "\"/etc/eni-bootstrap/kubeconfig\"");
    }

    /// The image family of the node.
    host: HostSettings {
        /// Image family, which determines the files that eni-bootstrap writes
        kind: HostKind = "KIND", default(HostKind::Auto), "essential", "alias host";
        /// Timeout for Bottlerocket to render the kubelet's files from its settings
        ///
        /// Rendering usually takes less than a second.
        render_wait: TimeSpan = "TIME", default(TimeSpan(Duration::from_secs(30)));
    }

    /// The instance metadata service (IMDS).
    imds: ImdsSettings {
        /// Timeout for reading instance metadata
        ///
        /// The timeout includes the lookup of an instance type that is not in the embedded table,
        /// and the wait for another eni-bootstrap process to finish.
        wait: TimeSpan = "TIME", default(TimeSpan(Duration::from_mins(2)));
    }
}

/// Returns the section `[labels]`, which is a map and not a set of keys.
fn labels() -> Section {
    let definition = Definition {
        section: "labels",
        key: "",
        lines: &["Additional node labels"],
        value_name: "KEY=VALUE,…",
        default: ("none".to_owned(), String::new()),
        values: LabelMap::VALUES,
        parser: ValueParser::from(clap::value_parser!(LabelMap)),
        options: &[],
        switch: false,
    };
    let details = [
        "Additional node labels.",
        "The kubelet sets them when it registers the node. The labels topology.kubernetes.io/zone and topology.kubernetes.io/region are always set.",
    ];
    Section {
        name: "labels".to_owned(),
        details: details.map(str::to_owned).into(),
        settings: vec![definition.setting()],
    }
}
