use super::*;
use crate::host::cluster::Told;
use crate::host::user_data::NodeConfigCluster;
use crate::plan::tests::{facts, settings};

fn cluster(name: &str, endpoint: &str) -> NodeConfigCluster {
    NodeConfigCluster {
        name: Some(name.to_owned()),
        api_server_endpoint: Some(endpoint.to_owned()),
        certificate_authority: Some("Q0E=".to_owned()),
        id: None,
    }
}

fn found(told: Vec<(ClusterSource, Said)>, text: &str) -> Result<ClusterAccess, PlanError> {
    let told = told.into_iter().map(|(source, said)| Told { source, said }).collect();
    access(&Facts { told, ..facts("m5.large") }, &settings(text))
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what a search gives")]
fn node(name: &str, endpoint: &str, source: ClusterSource) -> Result<ClusterAccess, PlanError> {
    Ok(ClusterAccess::Node(NamedCluster {
        name: name.to_owned(),
        endpoint: endpoint.to_owned(),
        certificate_authority: "Q0E=".to_owned(),
        source,
    }))
}

fn by_user_data() -> (ClusterSource, Said) {
    (ClusterSource::UserData, Said::Cluster(cluster("prod", "https://user-data")))
}

#[test]
fn the_first_source_that_has_it_all_is_taken() {
    let passed = (ClusterSource::Nodeadm, Said::PassedOver("it cannot be read"));
    let empty = (ClusterSource::UserData, Said::Cluster(NodeConfigCluster::default()));
    let bottlerocket =
        (ClusterSource::Bottlerocket, Said::Cluster(cluster("blue", "https://bottlerocket")));
    assert_eq!(
        found(vec![by_user_data(), bottlerocket.clone()], ""),
        node("prod", "https://user-data", ClusterSource::UserData)
    );
    assert_eq!(
        found(vec![empty, passed, bottlerocket], ""),
        node("blue", "https://bottlerocket", ClusterSource::Bottlerocket)
    );
}

#[test]
fn settings_win_key_by_key() {
    assert_eq!(
        found(vec![by_user_data()], "[cluster]\nendpoint = \"https://private\""),
        node("prod", "https://private", ClusterSource::UserData)
    );
    assert_eq!(
        found(
            vec![by_user_data()],
            "[cluster]\nname = \"a\"\nendpoint = \"https://b\"\ncertificate-authority = \"Q0E=\""
        ),
        node("a", "https://b", ClusterSource::Settings)
    );
    assert_eq!(
        found(vec![by_user_data()], "[cluster]\nkubeconfig = \"/etc/kubeconfig\""),
        Ok(ClusterAccess::Kubeconfig("/etc/kubeconfig".into()))
    );
}

#[test]
fn one_clusters_name_never_meets_another_ones_address() {
    let ask = |name: &str| Ok(ClusterAccess::AskEks { name: name.to_owned() });
    assert_eq!(found(vec![by_user_data()], "[cluster]\nname = \"dev\""), ask("dev"));
    assert_eq!(
        found(vec![by_user_data()], "[cluster]\nname = \"prod\""),
        node("prod", "https://user-data", ClusterSource::UserData)
    );
    let whole = (ClusterSource::Kubeconfig, Said::Whole("/var/lib/kubelet/kubeconfig".into()));
    assert_eq!(found(vec![whole.clone()], "[cluster]\nname = \"dev\""), ask("dev"));
    assert_eq!(
        found(vec![whole], ""),
        Ok(ClusterAccess::Kubeconfig("/var/lib/kubelet/kubeconfig".into()))
    );
}

#[test]
fn a_cluster_on_an_outpost_goes_by_its_id() {
    let outpost = NodeConfigCluster { id: Some("0a1b".to_owned()), ..cluster("prod", "https://o") };
    assert_eq!(
        found(vec![(ClusterSource::UserData, Said::Cluster(outpost))], ""),
        node("0a1b", "https://o", ClusterSource::UserData)
    );
}

#[test]
fn a_name_alone_is_asked_of_eks_and_nothing_at_all_is_refused() {
    let only_name = NodeConfigCluster { name: Some("prod".to_owned()), ..Default::default() };
    assert_eq!(
        found(vec![(ClusterSource::UserData, Said::Cluster(only_name))], ""),
        Ok(ClusterAccess::AskEks { name: "prod".to_owned() })
    );
    let missing = |text: &str| found(vec![], text).unwrap_err().to_string();
    assert_eq!(
        missing(""),
        "the cluster is unknown: cluster.name, cluster.endpoint, cluster.certificate-authority not set"
    );
    assert_eq!(
        missing("[cluster]\nname = \"prod\"\nendpoint = \"https://private\""),
        "the cluster is unknown: cluster.certificate-authority not set"
    );
}
