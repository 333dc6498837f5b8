//! Descriptions of the cluster in the files of an instance. This module parses text and reads no
//! files.

use super::user_data::{self, NodeConfig};
use crate::domain::cluster::{ClusterConfig, ClusterSource, KUBELET_KUBECONFIG};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The placeholder for the API server in the kubeconfig template of the AL2 image. `bootstrap.sh`
/// replaces it.
///
/// Source: `templates/al2/runtime/kubelet-kubeconfig`, awslabs/amazon-eks-ami, before 2026-03.
const ENDPOINT_PLACEHOLDER: &str = "MASTER_ENDPOINT";

/// The description of the cluster in one source on the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterHint {
    /// The source provides all or some fields of the cluster.
    Config {
        source: ClusterSource,
        /// The fields that it provides.
        config: ClusterConfig,
    },
    /// The source is a kubeconfig with its own credentials: use it unchanged.
    Kubeconfig(PathBuf),
    /// The source exists but is unusable.
    Skipped {
        source: ClusterSource,
        /// Why it is unusable, such as "not a kubeconfig".
        reason: &'static str,
    },
}

/// Parses the kubelet's kubeconfig.
///
/// If its user runs `aws eks get-token` or `aws-iam-authenticator`, the kubeconfig describes an EKS
/// cluster for which eni-bootstrap signs the token. `read` returns the certificate authority (PEM)
/// at a path, or `None` if it cannot be read.
pub fn kubeconfig_hint(text: &str, read: impl Fn(&Path) -> Option<String>) -> ClusterHint {
    let source = ClusterSource::Kubeconfig;
    let skipped = |reason| ClusterHint::Skipped { source, reason };
    if text.contains(ENDPOINT_PLACEHOLDER) {
        return skipped("bootstrap.sh has not filled in this template yet");
    }
    let Ok(config) = serde_saphyr::from_str::<Value>(text) else {
        return skipped("not a kubeconfig");
    };
    let (cluster, user) = current_cluster_and_user(&config);
    let field = |key: &str| cluster[key].as_str().map(str::to_owned);
    let Some(endpoint) = field("server") else {
        return skipped("contains no cluster");
    };
    let arguments = user["exec"]["args"].as_array().into_iter().flatten();
    let arguments: Vec<&str> = arguments.filter_map(Value::as_str).collect();
    let inline = field("certificate-authority-data");
    let file = field("certificate-authority");
    let name = cluster_name(&arguments).filter(|_| inline.is_some() || file.is_some());
    let Some(name) = name else {
        return ClusterHint::Kubeconfig(KUBELET_KUBECONFIG.into());
    };
    let encoded = || Some(STANDARD.encode(read(Path::new(&file?))?));
    let Some(certificate_authority) = inline.or_else(encoded) else {
        return skipped("the certificate authority file is unreadable");
    };
    let config = ClusterConfig {
        name: Some(name),
        endpoint: Some(endpoint),
        certificate_authority: Some(certificate_authority),
        id: None,
    };
    ClusterHint::Config { source, config }
}

/// Returns the cluster and the user of the current context. Without a valid context, returns the
/// first of each.
fn current_cluster_and_user(config: &Value) -> (&Value, &Value) {
    let entry = |list: &str, name: &Value| {
        let mut all = config[list].as_array().into_iter().flatten();
        all.find(|it| it["name"].is_string() && it["name"] == *name).unwrap_or(&config[list][0])
    };
    let context = &entry("contexts", &config["current-context"])["context"];
    (&entry("clusters", &context["cluster"])["cluster"], &entry("users", &context["user"])["user"])
}

/// Returns the cluster name in the arguments of `aws eks get-token` or `aws-iam-authenticator
/// token`.
fn cluster_name(arguments: &[&str]) -> Option<String> {
    let is_name_flag = |flag: &str| matches!(flag, "--cluster-name" | "--cluster-id" | "-i");
    let joined = |argument: &str| {
        let (flag, value) = argument.split_once('=')?;
        is_name_flag(flag).then(|| value.to_owned())
    };
    let after = arguments.iter().skip_while(|argument| !is_name_flag(argument)).nth(1);
    after.map(|&name| name.to_owned()).or_else(|| arguments.iter().find_map(|it| joined(it)))
}

/// Parses nodeadm's merged configuration.
#[must_use]
pub fn nodeadm_hint(text: &str) -> ClusterHint {
    let source = ClusterSource::Nodeadm;
    match user_data::parse_spec(text) {
        Some(NodeConfig { cluster: config, .. }) => ClusterHint::Config { source, config },
        None => ClusterHint::Skipped { source, reason: "not a nodeadm configuration" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nodeadm writes it.
    ///
    /// Source: `nodeadm/internal/kubelet/kubeconfig.template.yaml`, awslabs/amazon-eks-ami.
    const AL2023: &str = "
apiVersion: v1
kind: Config
clusters:
  - name: kubernetes
    cluster:
      certificate-authority: /etc/kubernetes/pki/ca.crt
      server: https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com
current-context: kubelet
contexts:
  - name: kubelet
    context:
      cluster: kubernetes
      user: kubelet
users:
  - name: kubelet
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1beta1
        command: aws
        args: [\"eks\", \"get-token\", \"--cluster-name\", \"prod\", \"--region\", \"us-west-2\"]
";

    fn read_nothing(_: &Path) -> Option<String> {
        None
    }

    fn eks(name: &str, endpoint: &str, certificate_authority: &str) -> ClusterHint {
        let config = ClusterConfig {
            name: Some(name.to_owned()),
            endpoint: Some(endpoint.to_owned()),
            certificate_authority: Some(certificate_authority.to_owned()),
            id: None,
        };
        ClusterHint::Config { source: ClusterSource::Kubeconfig, config }
    }

    #[test]
    fn an_eks_kubeconfig_describes_its_cluster() {
        let server = "https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com";
        let hint = |text: &str| {
            kubeconfig_hint(text, |path| {
                (path == Path::new("/etc/kubernetes/pki/ca.crt")).then(|| "PEM".to_owned())
            })
        };
        assert_eq!(hint(AL2023), eks("prod", server, "UEVN"));
        let al2 = AL2023.replace(
            "[\"eks\", \"get-token\", \"--cluster-name\", \"prod\", ",
            "[token, -i, blue, ",
        );
        assert_eq!(hint(&al2), eks("blue", server, "UEVN"));
        let joined = AL2023.replace("\"--cluster-name\", \"prod\"", "--cluster-id=outpost");
        assert_eq!(hint(&joined), eks("outpost", server, "UEVN"));
        let inline = AL2023.replace(
            "certificate-authority: /etc/kubernetes/pki/ca.crt",
            "certificate-authority-data: TFM=",
        );
        assert_eq!(kubeconfig_hint(&inline, read_nothing), eks("prod", server, "TFM="));
    }

    /// A kubeconfig with two clusters. The context `kubelet` selects the second one.
    const TWO: &str = "
clusters:
  - {name: old, cluster: {server: 'https://old', certificate-authority-data: T0xE}}
  - {name: new, cluster: {server: 'https://new', certificate-authority-data: TkVX}}
users:
  - {name: old, user: {exec: {args: [eks, get-token, --cluster-name, yesterday]}}}
  - {name: new, user: {exec: {args: [eks, get-token, --cluster-name, today]}}}
contexts:
  - {name: admin, context: {cluster: old, user: old}}
  - {name: kubelet, context: {cluster: new, user: new}}
";

    #[test]
    fn the_current_context_selects_the_cluster() {
        let current = format!("current-context: kubelet\n{TWO}");
        let today = eks("today", "https://new", "TkVX");
        let first = eks("yesterday", "https://old", "T0xE");
        assert_eq!(kubeconfig_hint(&current, read_nothing), today);
        assert_eq!(kubeconfig_hint(TWO, read_nothing), first);
        let (without_contexts, _) = TWO.split_once("contexts:").unwrap();
        assert_eq!(kubeconfig_hint(without_contexts, read_nothing), first);
    }

    #[test]
    fn an_unusable_kubeconfig_is_skipped_with_a_reason() {
        let server = "https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com";
        let template = AL2023.replace(server, ENDPOINT_PLACEHOLDER);
        for (text, reason) in [
            (template.as_str(), "bootstrap.sh has not filled in this template yet"),
            ("{", "not a kubeconfig"),
            ("kind: Config", "contains no cluster"),
            (AL2023, "the certificate authority file is unreadable"),
        ] {
            let skipped = ClusterHint::Skipped { source: ClusterSource::Kubeconfig, reason };
            assert_eq!(kubeconfig_hint(text, read_nothing), skipped);
        }
    }

    #[test]
    fn a_kubeconfig_with_its_own_credentials_is_used_unchanged() {
        let kubeadm = "clusters: [{name: k, cluster: {server: 'https://k', certificate-authority-data: TFM=}}]\nusers: [{name: u, user: {client-certificate: /x}}]";
        assert_eq!(
            kubeconfig_hint(kubeadm, read_nothing),
            ClusterHint::Kubeconfig(KUBELET_KUBECONFIG.into())
        );
    }

    #[test]
    fn nodeadms_configuration_describes_its_cluster() {
        let source = ClusterSource::Nodeadm;
        let config = ClusterConfig {
            name: Some("prod".to_owned()),
            endpoint: Some("https://k".to_owned()),
            certificate_authority: Some("TFM=".to_owned()),
            id: None,
        };
        let text = r#"{"metadata":{},"spec":{"cluster":{"name":"prod","apiServerEndpoint":"https://k","certificateAuthority":"TFM=","cidr":"10.100.0.0/16"}},"status":{}}"#;
        assert_eq!(nodeadm_hint(text), ClusterHint::Config { source, config });
        let on_an_outpost = |lines: &str| {
            let text = text.replace("\"name\":\"prod\",", &format!("\"name\":\"prod\",{lines}"));
            let ClusterHint::Config { config, .. } = nodeadm_hint(&text) else { return None };
            config.token_name().map(str::to_owned)
        };
        assert_eq!(on_an_outpost(r#""id":"0a1b","#).as_deref(), Some("prod"));
        let with_switch = r#""id":"0a1b","enableOutpost":true,"#;
        assert_eq!(on_an_outpost(with_switch).as_deref(), Some("0a1b"));
        let reason = "not a nodeadm configuration";
        assert_eq!(nodeadm_hint("["), ClusterHint::Skipped { source, reason });
    }
}
