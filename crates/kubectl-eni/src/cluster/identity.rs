//! The name and the region of an EKS cluster, from the entries of a kubeconfig.

use eni_core::domain::zone::Region;
use kube::config::{ExecConfig, KubeConfigOptions, Kubeconfig};

/// The name and the region of an EKS cluster, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterIdentity {
    /// The name of the EKS cluster.
    pub name: Option<String>,
    /// The AWS region.
    pub region: Option<Region>,
}

impl ClusterIdentity {
    /// Returns the name and the region in the arguments of the exec plugin (`aws eks get-token` or
    /// `aws-iam-authenticator token`), or else in the cluster entry, if its name is an ARN, or else in the
    /// host name of the API server.
    #[must_use]
    pub fn of(kubeconfig: &Kubeconfig, selected: &KubeConfigOptions) -> Self {
        let current = selected.context.as_ref().or(kubeconfig.current_context.as_ref());
        let context = kubeconfig
            .contexts
            .iter()
            .find(|it| Some(&it.name) == current)
            .and_then(|it| it.context.as_ref());
        let cluster = selected.cluster.as_ref().or(context.map(|it| &it.cluster));
        let user = selected.user.as_ref().or(context.and_then(|it| it.user.as_ref()));
        let exec = kubeconfig
            .auth_infos
            .iter()
            .find(|it| Some(&it.name) == user)
            .and_then(|it| it.auth_info.as_ref()?.exec.as_ref());
        let of_plugin = exec.map(of_plugin).unwrap_or_default();
        let of_arn = cluster.map(|name| of_arn(name)).unwrap_or_default();
        let server = kubeconfig
            .clusters
            .iter()
            .find(|it| Some(&it.name) == cluster)
            .and_then(|it| it.cluster.as_ref()?.server.as_deref());
        Self {
            name: of_plugin.name.or(of_arn.name),
            region: of_plugin.region.or(of_arn.region).or(server.and_then(of_server)),
        }
    }
}

/// Returns the name and the region in the arguments and the environment of an exec plugin.
fn of_plugin(exec: &ExecConfig) -> ClusterIdentity {
    let arguments = exec.args.as_deref().unwrap_or_default();
    let value = |flags: &[&str]| {
        arguments.iter().enumerate().find_map(|(index, argument)| {
            flags.iter().find_map(|flag| {
                let rest = argument.strip_prefix(flag)?;
                match rest.strip_prefix('=') {
                    Some(value) => Some(value.to_owned()),
                    None if rest.is_empty() => arguments.get(index + 1).cloned(),
                    None => None,
                }
            })
        })
    };
    let variables = exec.env.iter().flatten();
    let variable = |name: &str| {
        let mut matching =
            variables.clone().filter(|it| it.get("name").is_some_and(|it| it == name));
        matching.next().and_then(|it| it.get("value").cloned())
    };
    let region = value(&["--region"]).or_else(|| variable("AWS_REGION"));
    let region = region.or_else(|| variable("AWS_DEFAULT_REGION"));
    ClusterIdentity {
        name: value(&["--cluster-name", "--cluster-id", "-i"]),
        region: region.and_then(|it| it.parse().ok()),
    }
}

/// Returns the name and the region in the ARN of an EKS cluster, such as
/// `arn:aws:eks:us-west-2:111122223333:cluster/prod`.
fn of_arn(arn: &str) -> ClusterIdentity {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "eks", region, _, resource] => ClusterIdentity {
            name: resource.strip_prefix("cluster/").map(str::to_owned),
            region: region.parse().ok(),
        },
        _ => ClusterIdentity::default(),
    }
}

/// Returns the region in the URL of an EKS API server, such as
/// `https://0123.gr7.us-west-2.eks.amazonaws.com`.
fn of_server(url: &str) -> Option<Region> {
    let host = url.strip_prefix("https://")?.split(['/', ':']).next()?;
    let labels: Vec<&str> = host.split('.').collect();
    let eks = labels.iter().position(|it| *it == "eks")?;
    let is_eks = labels.get(eks + 1).is_some_and(|it| it.starts_with("amazonaws") || *it == "api");
    labels.get(eks.checked_sub(1)?).filter(|_| is_eks)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(cluster: &str, server: &str, exec: &str) -> (Option<String>, Option<String>) {
        let text = format!(
            "current-context: a
contexts: [{{name: a, context: {{cluster: '{cluster}', user: a}}}}]
clusters: [{{name: '{cluster}', cluster: {{server: '{server}'}}}}]
users: [{{name: a, user: {{{exec}}}}}]
"
        );
        let kubeconfig = Kubeconfig::from_yaml(&text).unwrap();
        let identity = ClusterIdentity::of(&kubeconfig, &KubeConfigOptions::default());
        (identity.name, identity.region.map(|it| it.to_string()))
    }

    #[test]
    fn name_and_region_come_from_the_plugin_the_arn_or_the_server() {
        let arn = "arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod";
        let server = "https://0123ABCD.gr7.eu-west-1.eks.amazonaws.com";
        let plugin = |arguments: &str| {
            format!(
                "exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: aws, args: [{arguments}]}}"
            )
        };
        let region = |exec: &str| identity("a", server, exec);
        let some = |name: &str, region: &str| {
            let some = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
            (some(name), some(region))
        };
        for (found, expected) in [
            (
                region(&plugin("--region, us-west-2, eks, get-token, --cluster-name, dev")),
                some("dev", "us-west-2"),
            ),
            (
                region(&plugin("eks, get-token, --cluster-name=dev, --region=us-west-2")),
                some("dev", "us-west-2"),
            ),
            (region(&plugin("token, -i, dev")), some("dev", "eu-west-1")),
            (region(&plugin("token, --cluster-id, dev")), some("dev", "eu-west-1")),
            (identity(arn, server, "token: a"), some("prod", "cn-north-1")),
            (
                identity(arn, server, &plugin("eks, get-token, --cluster-name, dev")),
                some("dev", "cn-north-1"),
            ),
            (identity("a", server, "token: a"), some("", "eu-west-1")),
            (
                identity("a", "https://0123.gr7.cn-north-1.eks.amazonaws.com.cn/", "token: a"),
                some("", "cn-north-1"),
            ),
            (
                identity("a", "https://0123.0a1b.us-west-2.eks.api.aws:443", "token: a"),
                some("", "us-west-2"),
            ),
            (identity("a", "https://kubernetes.example.com", "token: a"), some("", "")),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_region_of_a_plugin_can_be_a_variable() {
        let exec = "exec: {command: aws, args: [eks, get-token], env: [{name: AWS_PROFILE, value: a}, {name: AWS_DEFAULT_REGION, value: eu-west-1}]}";
        assert_eq!(identity("a", "https://b", exec), (None, Some("eu-west-1".to_owned())));
    }
}
