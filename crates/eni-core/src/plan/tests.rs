use super::*;
use crate::domain::capacity::NoCapacity;
use crate::domain::eni_config::{EniConfigNameError, Field};
use crate::domain::identifier::InvalidIdentifier;
use crate::domain::label::InvalidLabel;
use crate::facts::Machine;
pub(crate) use crate::facts::fixture::facts;
use crate::failure::Advice as _;
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn settings(text: &str) -> Settings {
    Settings::from_toml(Path::new("test.toml"), text).unwrap()
}

/// Plans without a DaemonSet.
fn plan(facts: &Facts, settings: &Settings) -> Result<Plan, PlanError> {
    super::plan(facts, settings, None)
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
    assert_eq!(plan.wait, Some("us-west-2a".parse().unwrap()));
}

#[test]
fn without_custom_networking_no_cluster_is_needed() {
    let plan = plan(&facts("m5.large"), &settings("[cni]\ncustom-networking = false")).unwrap();
    assert_eq!((plan.capacity.max_pods, plan.wait), (29, None));
    assert_eq!(
        plan.kubelet.node_labels.to_string(),
        "topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a"
    );
}

#[test]
fn the_reserve_depends_on_max_pods_and_the_online_cpus() {
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
fn a_label_cannot_have_two_values() {
    let clash = |text: &str| plan(&facts("m5.large"), &settings(text)).unwrap_err().to_string();
    assert_eq!(
        clash("[labels]\n\"topology.kubernetes.io/zone\" = \"us-west-2b\""),
        "label topology.kubernetes.io/zone has two values: \"us-west-2a\" and \"us-west-2b\""
    );
    assert_eq!(
        clash("[eni-config]\nname = \"prod-{zone}\"\nlabel = \"topology.kubernetes.io/zone\""),
        "label topology.kubernetes.io/zone has two values: \"us-west-2a\" and \"prod-us-west-2a\""
    );
    let same = "[eni-config]\nlabel = \"topology.kubernetes.io/zone\"";
    let labels = plan(&facts("m5.large"), &settings(same)).unwrap().kubelet.node_labels;
    assert_eq!(
        labels.to_string(),
        "topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a"
    );
}

#[test]
fn an_impossible_name_or_capacity_is_an_error() {
    let error =
        |instance_type: &str, text: &str| plan(&facts(instance_type), &settings(text)).unwrap_err();
    assert_eq!(
        error("hpc6id.32xlarge", ""),
        PlanError::NoCapacity {
            instance_type: "hpc6id.32xlarge".to_owned(),
            source: NoCapacity::OnlyThePrimaryInterface,
        }
    );
    assert_eq!(
        error("m5.large", "[eni-config]\nname = \"{tag:team}\""),
        PlanError::EniConfigName(EniConfigNameError::Unknown(Field::Tag("team".to_owned())))
    );
    assert_eq!(
        error("m5.large", "[eni-config]\nname = \"{tag:pool}\""),
        PlanError::EniConfigName(EniConfigNameError::Invalid(InvalidIdentifier::new(
            "an ENIConfig name (at most 63 lowercase letters, digits, dots and dashes)",
            "Blue Pool"
        )))
    );
}

/// Plans with custom networking and a DaemonSet with this environment.
fn on_cluster(environment: &[(&str, &str)], text: &str) -> Result<Plan, PlanError> {
    let owned = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut environment: BTreeMap<String, String> = owned.collect();
    environment.insert("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG".to_owned(), "true".to_owned());
    super::plan(&facts("m5.large"), &settings(text), Some(&AwsNode::read(&environment, "")))
}

const LABEL_DEF: &str = "ENI_CONFIG_LABEL_DEF";

#[test]
fn the_node_gets_the_label_that_the_cni_reads() {
    let labels = |label_def: &str, text: &str| {
        on_cluster(&[(LABEL_DEF, label_def)], text).unwrap().kubelet.node_labels.to_string()
    };
    let of_zone = "topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";
    assert_eq!(labels("", ""), format!("k8s.amazonaws.com/eniConfig=us-west-2a,{of_zone}"));
    assert_eq!(labels("example.com/pods", ""), format!("example.com/pods=us-west-2a,{of_zone}"));
    for zone in ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"] {
        assert_eq!(labels(zone, ""), of_zone, "the zone label is enough");
    }
    for region in ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"] {
        assert_eq!(labels(region, "[eni-config]\nname = \"{region}\""), of_zone);
    }
    assert_eq!(
        labels("node.kubernetes.io/instance-type", "[eni-config]\nname = \"{instance-type}\""),
        of_zone
    );
    assert_eq!(
        labels("team", "[eni-config]\nname = \"blue\"\nlabel = \"\"\n[labels]\nteam = \"blue\""),
        format!("team=blue,{of_zone}")
    );
    let external = "vpc.amazonaws.com/externalEniConfig";
    assert_eq!(
        labels(
            "topology.kubernetes.io/zone",
            &format!("[eni-config]\nname = \"prod-{{zone}}\"\nlabel = \"{external}\"")
        ),
        format!("{of_zone},{external}=prod-us-west-2a"),
        "as with Karpenter"
    );
    assert_eq!(labels("", "[eni-config]\nname = \"default\"\nlabel = \"\""), of_zone);
}

#[test]
fn a_name_that_the_cni_would_not_select_is_an_error() {
    let error = |label_def: &str, text: &str| {
        on_cluster(&[(LABEL_DEF, label_def)], text).unwrap_err().to_string()
    };
    let prefixed = "[eni-config]\nname = \"prod-{zone}\"";
    assert_eq!(
        error("topology.kubernetes.io/zone", prefixed),
        "the CNI would use ENIConfig \"us-west-2a\" instead of \"prod-us-west-2a\", because it reads label topology.kubernetes.io/zone"
    );
    assert_eq!(
        error("", "[eni-config]\nlabel = \"example.com/other\""),
        "the CNI would use ENIConfig \"default\" instead of \"us-west-2a\", because label k8s.amazonaws.com/eniConfig is not set"
    );
    assert_eq!(
        error("", "[labels]\n\"vpc.amazonaws.com/externalEniConfig\" = \"blue\""),
        "the CNI would use ENIConfig \"blue\" instead of \"us-west-2a\", because it reads label vpc.amazonaws.com/externalEniConfig"
    );
    let error = on_cluster(&[(LABEL_DEF, "node-role.kubernetes.io/pods")], "").unwrap_err();
    assert_eq!(
        error,
        PlanError::LabelOfTheCni {
            source: InvalidLabel::NotSettable("node-role.kubernetes.io/pods".to_owned())
        }
    );
    assert_eq!(
        error.help(),
        "set eni-config.label = \"vpc.amazonaws.com/externalEniConfig\", which takes precedence in the CNI, or make eni-config.name match ENI_CONFIG_LABEL_DEF on the aws-node DaemonSet"
    );
}

#[test]
fn max_pods_follows_the_daemonset_and_a_setting_overrides_one_term() {
    let max_pods = |environment: &[(&str, &str)], text: &str| {
        on_cluster(environment, text).unwrap().capacity.max_pods
    };
    let no_ceiling = "[pods]\nceiling = \"none\"";
    let prefixes = [("ENABLE_PREFIX_DELEGATION", "true"), ("WARM_PREFIX_TARGET", "1")];
    assert_eq!(max_pods(&[], ""), 20);
    assert_eq!(max_pods(&prefixes, no_ceiling), 290);
    assert_eq!(max_pods(&prefixes, "[cni]\nmax-eni = 2\n[pods]\nceiling = \"none\""), 146);
}
