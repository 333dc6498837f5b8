//! One source of settings as it was written: a file, the environment or the command line.
//!
//! A field here is a TOML key, a flag and an environment variable at once, and its doc comment is
//! the flag's help: each setting is named in one place. The argument's id is the key in full.

#![expect(clippy::doc_markdown, reason = "the help prints these comments, backticks and all")]

use super::value::{self, CniSource, LabelMap, OnTimeout, Wait};
use crate::domain::cni::IpFamily;
use crate::domain::max_pods::Ceiling;
use crate::domain::quantity::Quantity;
use crate::host::HostKind;
use crate::host::existing_config::Policy;
use clap::Args;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Makes a struct of optional keys, and `over`, which keeps a key of `self` where it is set. The
/// struct literal in it must name every field, so none can be forgotten.
macro_rules! layer {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Args)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct $name { $($(#[$field_doc])* pub $field: Option<$type>,)+ }

        impl $name {
            fn over(self, below: Self) -> Self {
                Self { $($field: self.$field.or(below.$field),)+ }
            }
        }
    };
}

layer! {
    /// `[cni]`: what the VPC CNI is set to.
    CniLayer {
        /// Where the CNI's settings are taken from: the aws-node DaemonSet, each key of [cni] overriding one value; or [cni] alone [default: cluster]
        #[arg(id = "cni.source", long = "cni-source", env = "ENI_BOOTSTRAP_CNI_SOURCE", value_name = "SOURCE")]
        source: CniSource,
        /// Pods live on an ENIConfig's subnet (AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG) [default: as on the cluster, else true]
        #[arg(id = "cni.custom-networking", long = "cni-custom-networking", env = "ENI_BOOTSTRAP_CNI_CUSTOM_NETWORKING",
              value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        custom_networking: bool,
        /// Prefixes of 16 addresses (ENABLE_PREFIX_DELEGATION) [default: as on the cluster]
        #[arg(id = "cni.prefix-delegation", long = "cni-prefix-delegation", env = "ENI_BOOTSTRAP_CNI_PREFIX_DELEGATION",
              value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        prefix_delegation: bool,
        /// The most interfaces that the CNI uses (MAX_ENI); 0 is no limit [default: as on the cluster]
        #[arg(id = "cni.max-eni", long = "cni-max-eni", env = "ENI_BOOTSTRAP_CNI_MAX_ENI", value_name = "N")]
        max_eni: u32,
        /// Security groups for pods (ENABLE_POD_ENI): a trunk takes one interface [default: as on the cluster]
        #[arg(id = "cni.pod-eni", long = "cni-pod-eni", env = "ENI_BOOTSTRAP_CNI_POD_ENI",
              value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pod_eni: bool,
        /// Interfaces that the CNI leaves alone: tagged no_manage, EFA-only or another's [default: 0]
        #[arg(id = "cni.reserved-enis", long = "cni-reserved-enis", env = "ENI_BOOTSTRAP_CNI_RESERVED_ENIS", value_name = "N")]
        reserved_enis: u32,
        /// The family of the pods' addresses (ENABLE_IPv6) [default: as on the cluster]
        #[arg(id = "cni.ip-family", long = "cni-ip-family", env = "ENI_BOOTSTRAP_CNI_IP_FAMILY", value_name = "FAMILY")]
        ip_family: IpFamily,
        /// Interfaces of every network card serve pods (ENABLE_MULTI_NIC) [default: as on the cluster]
        #[arg(id = "cni.multi-nic", long = "cni-multi-nic", env = "ENI_BOOTSTRAP_CNI_MULTI_NIC",
              value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        multi_nic: bool,
        /// Addresses that the CNI holds at least (MINIMUM_IP_TARGET); 0 is unset [default: as on the cluster]
        #[arg(id = "cni.minimum-ip-target", long = "cni-minimum-ip-target", env = "ENI_BOOTSTRAP_CNI_MINIMUM_IP_TARGET", value_name = "N")]
        minimum_ip_target: u32,
        /// Addresses that the CNI holds in reserve (WARM_IP_TARGET); 0 is unset [default: as on the cluster]
        #[arg(id = "cni.warm-ip-target", long = "cni-warm-ip-target", env = "ENI_BOOTSTRAP_CNI_WARM_IP_TARGET", value_name = "N")]
        warm_ip_target: u32,
    }
}

layer! {
    /// `[eni-config]`: which ENIConfig, and how long to wait for it.
    EniConfigLayer {
        /// Its name, from text and {zone} {zone-id} {region} {instance-type} {vpc-id} {subnet-id} {tag:KEY} [default: {zone}]
        #[arg(id = "eni-config.name", long = "eni-config-name", env = "ENI_BOOTSTRAP_ENI_CONFIG_NAME", value_name = "TEMPLATE")]
        name: String,
        /// The node label that carries the name; empty sets none [default: the one that the CNI reads]
        #[arg(id = "eni-config.label", long = "eni-config-label", env = "ENI_BOOTSTRAP_ENI_CONFIG_LABEL", value_name = "KEY")]
        label: String,
        /// How long to wait for it: a time such as 90s or 10m, 0 to ask once, or forever [default: 10m]
        #[arg(id = "eni-config.wait", long = "eni-config-wait", env = "ENI_BOOTSTRAP_ENI_CONFIG_WAIT", value_name = "TIME")]
        #[serde(deserialize_with = "value::from_text")]
        wait: Wait,
        /// What a wait in vain comes to: fail, or continue with a warning [default: fail]
        #[arg(id = "eni-config.on-timeout", long = "eni-config-on-timeout", env = "ENI_BOOTSTRAP_ENI_CONFIG_ON_TIMEOUT", value_name = "WHAT")]
        on_timeout: OnTimeout,
        /// Compare its subnet and security groups with EC2 before the kubelet may start [default: true]
        #[arg(id = "eni-config.verify", long = "eni-config-verify", env = "ENI_BOOTSTRAP_ENI_CONFIG_VERIFY",
              value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        verify: bool,
    }
}

layer! {
    /// `[pods]`: the pod count.
    PodsLayer {
        /// recommended (110, or 250 above 30 vCPUs), none, or a number [default: recommended]
        #[arg(id = "pods.ceiling", long = "pods-ceiling", env = "ENI_BOOTSTRAP_PODS_CEILING", value_name = "CEILING",
              value_parser = value::ceiling)]
        #[serde(deserialize_with = "value::ceiling_from_toml")]
        ceiling: Ceiling,
        /// A fixed figure instead of the computed one; 0 computes [default: 0]
        #[arg(id = "pods.max", long = "pods-max", env = "ENI_BOOTSTRAP_PODS_MAX", value_name = "N")]
        max: u32,
        /// What becomes of a max-pods that somebody else has set: user data, a managed node group, Karpenter [default: override]
        #[arg(id = "pods.policy", long = "pods-policy", env = "ENI_BOOTSTRAP_PODS_POLICY", value_name = "POLICY")]
        policy: Policy,
        /// Pods on the host's network beyond aws-node and kube-proxy [default: 0]
        #[arg(id = "pods.extra", long = "pods-extra", env = "ENI_BOOTSTRAP_PODS_EXTRA", value_name = "N")]
        extra: u32,
    }
}

layer! {
    /// `[reserve]`: kubeReserved by hand.
    ReserveLayer {
        /// CPU that the kubelet keeps back, such as 100m [default: by EKS's formula]
        #[arg(id = "reserve.cpu", long = "reserve-cpu", env = "ENI_BOOTSTRAP_RESERVE_CPU", value_name = "QUANTITY")]
        #[serde(deserialize_with = "value::from_text")]
        cpu: Quantity,
        /// Memory that the kubelet keeps back, such as 500Mi [default: 255Mi + 11Mi a pod]
        #[arg(id = "reserve.memory", long = "reserve-memory", env = "ENI_BOOTSTRAP_RESERVE_MEMORY", value_name = "QUANTITY")]
        #[serde(deserialize_with = "value::from_text")]
        memory: Quantity,
        /// Disk that the kubelet keeps back [default: 1Gi]
        #[arg(id = "reserve.ephemeral-storage", long = "reserve-ephemeral-storage", env = "ENI_BOOTSTRAP_RESERVE_EPHEMERAL_STORAGE", value_name = "QUANTITY")]
        #[serde(deserialize_with = "value::from_text")]
        ephemeral_storage: Quantity,
    }
}

layer! {
    /// `[cluster]`: where its API server is. What is not said here is taken from user data.
    ClusterLayer {
        /// The cluster's name
        #[arg(id = "cluster.name", long = "cluster-name", env = "ENI_BOOTSTRAP_CLUSTER_NAME", value_name = "NAME")]
        name: String,
        /// Its API server, such as https://….eks.amazonaws.com
        #[arg(id = "cluster.endpoint", long = "cluster-endpoint", env = "ENI_BOOTSTRAP_CLUSTER_ENDPOINT", value_name = "URL")]
        endpoint: String,
        /// Its certificate authority: PEM in base64, as EKS shows it
        #[arg(id = "cluster.certificate-authority", long = "cluster-certificate-authority", env = "ENI_BOOTSTRAP_CLUSTER_CERTIFICATE_AUTHORITY", value_name = "BASE64")]
        certificate_authority: String,
        /// A kubeconfig to use instead of the three above and of the node's own identity
        #[arg(id = "cluster.kubeconfig", long = "cluster-kubeconfig", env = "ENI_BOOTSTRAP_CLUSTER_KUBECONFIG", value_name = "FILE")]
        kubeconfig: PathBuf,
    }
}

layer! {
    /// `[host]`: the family of this image.
    HostLayer {
        /// The image's family: what is written, and where [default: auto]
        #[arg(id = "host.kind", long = "host-kind", alias = "host", env = "ENI_BOOTSTRAP_HOST_KIND", value_name = "KIND")]
        kind: HostKind,
        /// How long Bottlerocket may take to render the kubelet's files from its settings [default: 30s]
        #[arg(id = "host.render-wait", long = "host-render-wait", env = "ENI_BOOTSTRAP_HOST_RENDER_WAIT", value_name = "TIME")]
        #[serde(deserialize_with = "value::from_text")]
        render_wait: TimeSpan,
    }
}

layer! {
    /// `[imds]`: the instance metadata service.
    ImdsLayer {
        /// How long the machine may take to say what it is [default: 2m]
        #[arg(id = "imds.wait", long = "imds-wait", env = "ENI_BOOTSTRAP_IMDS_WAIT", value_name = "TIME")]
        #[serde(deserialize_with = "value::from_text")]
        wait: TimeSpan,
    }
}

/// A length of time, such as `90s` or `2m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan(Duration);

impl From<TimeSpan> for Duration {
    fn from(span: TimeSpan) -> Self {
        span.0
    }
}

impl std::str::FromStr for TimeSpan {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_duration(text).map(Self)
    }
}

/// One source, every key of which may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Args)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Layer {
    /// `[cni]`
    #[command(flatten)]
    pub cni: CniLayer,
    /// `[eni-config]`
    #[command(flatten)]
    pub eni_config: EniConfigLayer,
    /// `[pods]`
    #[command(flatten)]
    pub pods: PodsLayer,
    /// Further node labels
    #[arg(long = "labels", env = "ENI_BOOTSTRAP_LABELS", value_name = "KEY=VALUE,…")]
    pub labels: Option<LabelMap>,
    /// `[reserve]`
    #[command(flatten)]
    pub reserve: ReserveLayer,
    /// `[cluster]`
    #[command(flatten)]
    pub cluster: ClusterLayer,
    /// `[host]`
    #[command(flatten)]
    pub host: HostLayer,
    /// `[imds]`
    #[command(flatten)]
    pub imds: ImdsLayer,
}

impl Layer {
    /// This layer laid over `below`: a key that is set here wins, labels key by key.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        let labels = match (self.labels, below.labels) {
            (Some(LabelMap(above)), Some(LabelMap(mut labels))) => {
                labels.extend(above);
                Some(LabelMap(labels))
            }
            (above, below) => above.or(below),
        };
        Self {
            cni: self.cni.over(below.cni),
            eni_config: self.eni_config.over(below.eni_config),
            pods: self.pods.over(below.pods),
            labels,
            reserve: self.reserve.over(below.reserve),
            cluster: self.cluster.over(below.cluster),
            host: self.host.over(below.host),
            imds: self.imds.over(below.imds),
        }
    }
}
