use super::*;
use crate::plan::tests::{facts, settings};

fn config(name: &str, endpoint: &str) -> ClusterConfig {
    ClusterConfig {
        name: Some(name.to_owned()),
        endpoint: Some(endpoint.to_owned()),
        certificate_authority: Some("Q0E=".to_owned()),
        id: None,
    }
}

fn access_with(hints: Vec<ClusterHint>, text: &str) -> Result<ClusterAccess, PlanError> {
    access(&Facts { cluster_hints: hints, ..facts("m5.large") }, &settings(text))
}

#[expect(clippy::unnecessary_wraps, reason = "compared with the result of access_with")]
fn node(name: &str, endpoint: &str, source: ClusterSource) -> Result<ClusterAccess, PlanError> {
    Ok(ClusterAccess::Node(Cluster {
        name: name.to_owned(),
        endpoint: endpoint.to_owned(),
        certificate_authority: "Q0E=".to_owned(),
        id: None,
        source,
    }))
}

fn hint(source: ClusterSource, config: ClusterConfig) -> ClusterHint {
    ClusterHint::Config { source, config }
}

fn user_data() -> ClusterHint {
    hint(ClusterSource::UserData, config("prod", "https://user-data"))
}

#[test]
fn the_first_complete_source_is_used() {
    let skipped = ClusterHint::Skipped { source: ClusterSource::Nodeadm, reason: "unreadable" };
    let empty = hint(ClusterSource::UserData, ClusterConfig::default());
    let bottlerocket = hint(ClusterSource::Bottlerocket, config("blue", "https://bottlerocket"));
    assert_eq!(
        access_with(vec![user_data(), bottlerocket.clone()], ""),
        node("prod", "https://user-data", ClusterSource::UserData)
    );
    assert_eq!(
        access_with(vec![empty, skipped, bottlerocket], ""),
        node("blue", "https://bottlerocket", ClusterSource::Bottlerocket)
    );
}

#[test]
fn settings_take_precedence_field_by_field() {
    assert_eq!(
        access_with(vec![user_data()], "[cluster]\nendpoint = \"https://private\""),
        node("prod", "https://private", ClusterSource::UserData)
    );
    assert_eq!(
        access_with(
            vec![user_data()],
            "[cluster]\nname = \"a\"\nendpoint = \"https://b\"\ncertificate-authority = \"Q0E=\""
        ),
        node("a", "https://b", ClusterSource::Settings)
    );
    assert_eq!(
        access_with(vec![user_data()], "[cluster]\nkubeconfig = \"/etc/kubeconfig\""),
        Ok(ClusterAccess::Kubeconfig("/etc/kubeconfig".into()))
    );
}

#[test]
fn one_clusters_name_is_never_combined_with_anothers_endpoint() {
    let describe = |name: &str| Ok(ClusterAccess::DescribeCluster { name: name.to_owned() });
    assert_eq!(access_with(vec![user_data()], "[cluster]\nname = \"dev\""), describe("dev"));
    assert_eq!(
        access_with(vec![user_data()], "[cluster]\nname = \"prod\""),
        node("prod", "https://user-data", ClusterSource::UserData)
    );
    let kubeconfig = ClusterHint::Kubeconfig("/var/lib/kubelet/kubeconfig".into());
    assert_eq!(access_with(vec![kubeconfig.clone()], "[cluster]\nname = \"dev\""), describe("dev"));
    assert_eq!(
        access_with(vec![kubeconfig], ""),
        Ok(ClusterAccess::Kubeconfig("/var/lib/kubelet/kubeconfig".into()))
    );
}

#[test]
fn a_cluster_on_an_outpost_keeps_its_id() {
    let outpost = ClusterConfig { id: Some("0a1b".to_owned()), ..config("prod", "https://o") };
    let cluster = outpost.clone().complete(ClusterSource::UserData).unwrap();
    assert_eq!(cluster.token_name(), "0a1b");
    let outpost = hint(ClusterSource::UserData, outpost);
    assert_eq!(access_with(vec![outpost.clone()], ""), Ok(ClusterAccess::Node(cluster.clone())));
    let by_id = Cluster { name: "0a1b".to_owned(), ..cluster };
    let settings = "[cluster]\nname = \"0a1b\"";
    assert_eq!(access_with(vec![outpost], settings), Ok(ClusterAccess::Node(by_id)));
}

#[test]
fn a_cluster_name_alone_calls_eks_and_no_cluster_is_an_error() {
    let only_name = ClusterConfig { name: Some("prod".to_owned()), ..Default::default() };
    assert_eq!(
        access_with(vec![hint(ClusterSource::UserData, only_name)], ""),
        Ok(ClusterAccess::DescribeCluster { name: "prod".to_owned() })
    );
    let missing = |text: &str| access_with(vec![], text).unwrap_err().to_string();
    assert_eq!(
        missing(""),
        "the cluster is unknown: cluster.name, cluster.endpoint and cluster.certificate-authority are not set"
    );
    assert_eq!(
        missing("[cluster]\nname = \"prod\"\nendpoint = \"https://private\""),
        "the cluster is unknown: cluster.certificate-authority is not set"
    );
}
