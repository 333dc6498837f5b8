//! Which cluster this node belongs to, as the sources on the machine say it. Text in, nothing read.

use super::user_data::{self, NodeConfigCluster};
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;

/// nodeadm's own settings, resolved: user data and every drop-in together. Gone after a reboot.
///
/// Source: `nodeadm-config.service`, awslabs/amazon-eks-ami.
pub const NODEADM_CONFIG: &str = "/run/eks/nodeadm/config.json";
/// The kubelet's kubeconfig on every EKS image.
pub const KUBELET_KUBECONFIG: &str = "/var/lib/kubelet/kubeconfig";
/// What stands for the API server in the template that AL2's image has there until `bootstrap.sh`
/// fills it in.
///
/// Source: `templates/al2/runtime/kubelet-kubeconfig`, awslabs/amazon-eks-ami, before 2026-03.
const TEMPLATE: &str = "MASTER_ENDPOINT";

/// Who says which cluster it is, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterSource {
    /// `[cluster]` in the settings.
    Settings,
    /// The `NodeConfig` in user data.
    UserData,
    /// [`NODEADM_CONFIG`].
    Nodeadm,
    /// [`KUBELET_KUBECONFIG`].
    Kubeconfig,
    /// Bottlerocket's settings.
    Bottlerocket,
    /// `eks:DescribeCluster`.
    Eks,
}

impl fmt::Display for ClusterSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Settings => "the settings",
            Self::UserData => "the NodeConfig in user data",
            Self::Nodeadm => NODEADM_CONFIG,
            Self::Kubeconfig => KUBELET_KUBECONFIG,
            Self::Bottlerocket => "Bottlerocket's settings",
            Self::Eks => "eks:DescribeCluster",
        })
    }
}

/// What one source says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The source.
    pub source: ClusterSource,
    /// What it says.
    pub said: Said,
}

/// What a source says of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// This, or a part of it.
    Cluster(NodeConfigCluster),
    /// A kubeconfig with an identity of its own, to be honoured whole.
    Whole(PathBuf),
    /// Nothing that could be used, for this reason.
    PassedOver(&'static str),
}

/// Where a kubeconfig's certificate authority is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// In the file itself: PEM in base64.
    Inline(String),
    /// In this file: PEM.
    File(PathBuf),
}

/// What the kubelet's kubeconfig says of an EKS cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EksKubeconfig {
    /// The name for which its exec plugin makes tokens.
    pub name: String,
    /// Its API server's URL.
    pub server: String,
    /// Its certificate authority.
    pub authority: Authority,
}

/// Reads the kubelet's kubeconfig. One whose user runs `aws eks get-token` or
/// `aws-iam-authenticator` names an EKS cluster, for which we make the token ourselves.
pub fn kubeconfig(text: &str) -> Result<EksKubeconfig, Said> {
    if text.contains(TEMPLATE) {
        return Err(Said::PassedOver("it is the image's template, not filled in yet"));
    }
    let Ok(config) = serde_saphyr::from_str::<Value>(text) else {
        return Err(Said::PassedOver("it is not a kubeconfig"));
    };
    let (cluster, user) = in_use(&config);
    let said = |key: &str| cluster[key].as_str().map(str::to_owned);
    let Some(server) = said("server") else {
        return Err(Said::PassedOver("it names no cluster"));
    };
    let arguments = user["exec"]["args"].as_array().into_iter().flatten();
    let arguments: Vec<&str> = arguments.filter_map(Value::as_str).collect();
    let name = cluster_name(&arguments);
    let inline = said("certificate-authority-data").map(Authority::Inline);
    let authority =
        inline.or_else(|| said("certificate-authority").map(|path| Authority::File(path.into())));
    match (name, authority) {
        (Some(name), Some(authority)) => Ok(EksKubeconfig { name, server, authority }),
        _ => Err(Said::Whole(KUBELET_KUBECONFIG.into())),
    }
}

/// The cluster and the user of the current context; without one, or where it names what is not there,
/// the first of each.
fn in_use(config: &Value) -> (&Value, &Value) {
    let named = |list: &str, name: &Value| {
        let mut all = config[list].as_array().into_iter().flatten();
        all.find(|it| it["name"].is_string() && it["name"] == *name).unwrap_or(&config[list][0])
    };
    let context = &named("contexts", &config["current-context"])["context"];
    (&named("clusters", &context["cluster"])["cluster"], &named("users", &context["user"])["user"])
}

/// The cluster in the arguments of either token command.
fn cluster_name(arguments: &[&str]) -> Option<String> {
    let named = |flag: &str| matches!(flag, "--cluster-name" | "--cluster-id" | "-i");
    let joined = |argument: &str| {
        let (flag, value) = argument.split_once('=')?;
        named(flag).then(|| value.to_owned())
    };
    let after = arguments.iter().skip_while(|argument| !named(argument)).nth(1);
    after.map(|&name| name.to_owned()).or_else(|| arguments.iter().find_map(|it| joined(it)))
}

/// Reads nodeadm's resolved settings.
#[must_use]
pub fn nodeadm_config(text: &str) -> Said {
    user_data::spec_of(text).map_or(Said::PassedOver("it is not nodeadm's configuration"), |said| {
        Said::Cluster(said.cluster)
    })
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

    fn eks(name: &str, authority: Authority) -> EksKubeconfig {
        let server = "https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com".to_owned();
        EksKubeconfig { name: name.to_owned(), server, authority }
    }

    #[test]
    fn a_kubelets_kubeconfig_names_its_eks_cluster() {
        let file = Authority::File("/etc/kubernetes/pki/ca.crt".into());
        assert_eq!(kubeconfig(AL2023), Ok(eks("prod", file.clone())));
        let al2 = AL2023.replace(
            "[\"eks\", \"get-token\", \"--cluster-name\", \"prod\", ",
            "[token, -i, blue, ",
        );
        assert_eq!(kubeconfig(&al2), Ok(eks("blue", file.clone())));
        let joined = AL2023.replace("\"--cluster-name\", \"prod\"", "--cluster-id=outpost");
        assert_eq!(kubeconfig(&joined), Ok(eks("outpost", file)));
        let inline = AL2023.replace(
            "certificate-authority: /etc/kubernetes/pki/ca.crt",
            "certificate-authority-data: TFM=",
        );
        assert_eq!(kubeconfig(&inline), Ok(eks("prod", Authority::Inline("TFM=".to_owned()))));
    }

    /// Two clusters, of which the second is that of the context `kubelet`.
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
    fn of_several_clusters_the_one_of_the_current_context_counts() {
        let of = |name: &str, server: &str, data: &str| {
            let (name, server) = (name.to_owned(), server.to_owned());
            Ok(EksKubeconfig { name, server, authority: Authority::Inline(data.to_owned()) })
        };
        let current = format!("current-context: kubelet\n{TWO}");
        assert_eq!(kubeconfig(&current), of("today", "https://new", "TkVX"));
        assert_eq!(kubeconfig(TWO), of("yesterday", "https://old", "T0xE"), "the first");
        let (without_contexts, _) = TWO.split_once("contexts:").unwrap();
        assert_eq!(kubeconfig(without_contexts), of("yesterday", "https://old", "T0xE"));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let template = AL2023.replace("https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com", TEMPLATE);
        let passed = |why| Err(Said::PassedOver(why));
        assert_eq!(kubeconfig(&template), passed("it is the image's template, not filled in yet"));
        assert_eq!(kubeconfig("{"), passed("it is not a kubeconfig"));
        assert_eq!(kubeconfig("kind: Config"), passed("it names no cluster"));
        let kubeadm = "clusters: [{name: k, cluster: {server: 'https://k', certificate-authority-data: TFM=}}]\nusers: [{name: u, user: {client-certificate: /x}}]";
        assert_eq!(kubeconfig(kubeadm), Err(Said::Whole(KUBELET_KUBECONFIG.into())));
    }

    #[test]
    fn nodeadms_settings_name_theirs() {
        let cluster = NodeConfigCluster {
            name: Some("prod".to_owned()),
            api_server_endpoint: Some("https://k".to_owned()),
            certificate_authority: Some("TFM=".to_owned()),
            id: None,
        };
        let text = r#"{"metadata":{},"spec":{"cluster":{"name":"prod","apiServerEndpoint":"https://k","certificateAuthority":"TFM=","cidr":"10.100.0.0/16"}},"status":{}}"#;
        assert_eq!(nodeadm_config(text), Said::Cluster(cluster));
        assert_eq!(nodeadm_config("["), Said::PassedOver("it is not nodeadm's configuration"));
    }
}
