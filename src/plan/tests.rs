use super::*;
use crate::domain::eni_config::Field;
use crate::domain::identifier::InvalidIdentifier;
use crate::domain::limits::{self, Source};
use crate::facts::{Limits, Machine};
use crate::host::user_data::NodeConfigCluster;
use crate::host::{Detected, Host};
use crate::settings::Layer;
use std::collections::BTreeMap;
use std::path::Path;

fn facts(instance_type: &str) -> Facts {
    let instance_type = instance_type.parse().unwrap();
    Facts {
        limits: Limits {
            limits: limits::embedded(&instance_type).unwrap(),
            source: Source::EmbeddedTable,
        },
        instance: Instance {
            instance_type,
            instance_id: "i-0123456789abcdef0".parse().unwrap(),
            zone: "us-west-2a".parse().unwrap(),
            zone_id: None,
            region: "us-west-2".parse().unwrap(),
            local_ipv4: None,
            vpc_id: None,
            subnet_id: None,
            tags: BTreeMap::from([("pool".to_owned(), "Blue Pool".to_owned())]),
        },
        machine: None,
        host: Detected { host: Host::None, reason: "set by hand".to_owned() },
        node_config: Some(NodeConfigCluster {
            name: Some("prod".to_owned()),
            api_server_endpoint: Some("https://prod.example".to_owned()),
            certificate_authority: Some("Q0E=".to_owned()),
        }),
    }
}

fn settings(text: &str) -> Settings {
    Settings::from_layer(Layer::from_toml(Path::new("test.toml"), text).unwrap()).unwrap()
}

#[test]
fn custom_networking_waits_for_the_zones_eniconfig() {
    let plan = plan(&facts("c3.large"), &settings("")).unwrap();
    assert_eq!(
        plan.kubelet.arguments(),
        [
            "--max-pods=20",
            "--kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi",
            "--node-labels=k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a",
        ]
    );
    assert_eq!(
        plan.wait,
        Some(Awaited {
            name: "us-west-2a".parse().unwrap(),
            cluster: Ok(ClusterAccess::Node {
                name: "prod".to_owned(),
                endpoint: "https://prod.example".to_owned(),
                certificate_authority: "Q0E=".to_owned(),
            }),
        })
    );
}

#[test]
fn without_custom_networking_no_cluster_is_needed() {
    let facts = Facts { node_config: None, ..facts("m5.large") };
    let plan = plan(&facts, &settings("[cni]\ncustom-networking = false")).unwrap();
    assert_eq!((plan.capacity.max_pods, plan.wait), (29, None));
    assert_eq!(
        plan.kubelet.node_labels.to_string(),
        "topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a"
    );
}

#[test]
fn the_reserve_follows_the_figure_in_force_and_the_cpus_that_are_online() {
    let machine = Some(Machine { cpus: 96, memory_bytes: 8 << 30 });
    let facts = Facts { machine, ..facts("m5.large") };
    let plan = plan(&facts, &settings("[cni]\nprefix-delegation = true")).unwrap();
    assert_eq!((plan.capacity.uncapped, plan.capacity.max_pods), (Some(290), 110));
    assert_eq!(
        plan.kubelet.kube_reserved.to_string(),
        "cpu=310m,ephemeral-storage=1Gi,memory=1465Mi"
    );
}

#[test]
fn settings_win_over_user_data_key_by_key() {
    let cluster = |text: &str| {
        plan(&facts("m5.large"), &settings(text)).unwrap().wait.unwrap().cluster.unwrap()
    };
    assert_eq!(
        cluster("[cluster]\nendpoint = \"https://private.example\""),
        ClusterAccess::Node {
            name: "prod".to_owned(),
            endpoint: "https://private.example".to_owned(),
            certificate_authority: "Q0E=".to_owned(),
        }
    );
    assert_eq!(
        cluster("[cluster]\nkubeconfig = \"/etc/kubeconfig\""),
        ClusterAccess::Kubeconfig("/etc/kubeconfig".into())
    );
}

#[test]
fn what_is_missing_of_the_cluster_is_named() {
    let facts = Facts { node_config: None, ..facts("m5.large") };
    let plan = plan(&facts, &settings("[cluster]\nname = \"prod\"")).unwrap();
    let error = plan.wait.unwrap().cluster.unwrap_err();
    assert_eq!(
        error.to_string(),
        "it is not known where the cluster's API server is: cluster.endpoint, cluster.certificate-authority missing"
    );
}

#[test]
fn one_label_cannot_say_two_things() {
    let clash = |text: &str| plan(&facts("m5.large"), &settings(text)).unwrap_err().to_string();
    assert_eq!(
        clash("[labels]\n\"topology.kubernetes.io/zone\" = \"us-west-2b\""),
        "the label topology.kubernetes.io/zone cannot be both \"us-west-2a\" and \"us-west-2b\""
    );
    assert_eq!(
        clash("[eni-config]\nname = \"prod-{zone}\"\nlabel = \"topology.kubernetes.io/zone\""),
        "the label topology.kubernetes.io/zone cannot be both \"us-west-2a\" and \"prod-us-west-2a\""
    );
    let same = "[eni-config]\nlabel = \"topology.kubernetes.io/zone\"";
    let labels = plan(&facts("m5.large"), &settings(same)).unwrap().kubelet.node_labels;
    assert_eq!(
        labels.to_string(),
        "topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a"
    );
}

#[test]
fn a_name_or_a_figure_that_cannot_be_is_refused() {
    let refused =
        |instance_type: &str, text: &str| plan(&facts(instance_type), &settings(text)).unwrap_err();
    assert_eq!(
        refused("hpc6id.32xlarge", ""),
        PlanError::NoCapacity {
            instance_type: "hpc6id.32xlarge".to_owned(),
            source: NoCapacity::OnlyThePrimaryInterface,
        }
    );
    assert_eq!(
        refused("m5.large", "[eni-config]\nname = \"{tag:team}\""),
        PlanError::NoName(NoName::Unknown(Field::Tag("team".to_owned())))
    );
    assert_eq!(
        refused("m5.large", "[eni-config]\nname = \"{tag:pool}\""),
        PlanError::NoName(NoName::Invalid(InvalidIdentifier::new(
            "an ENIConfig name (an object name that fits a label)",
            "Blue Pool"
        )))
    );
}
