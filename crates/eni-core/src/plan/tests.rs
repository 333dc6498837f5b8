use super::*;
use crate::domain::eni_config::Field;
use crate::domain::identifier::InvalidIdentifier;
use crate::facts::Machine;
pub(crate) use crate::facts::fixture::facts;
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn settings(text: &str) -> Settings {
    Settings::from_toml(Path::new("test.toml"), text).unwrap()
}

/// By the settings alone.
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

/// By a DaemonSet with this environment, and custom networking.
fn on_cluster(environment: &[(&str, &str)], text: &str) -> Result<Plan, PlanError> {
    let owned = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut environment: BTreeMap<String, String> = owned.collect();
    environment.insert("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG".to_owned(), "true".to_owned());
    super::plan(&facts("m5.large"), &settings(text), Some(&AwsNode::read(&environment)))
}

const LABEL_DEF: &str = "ENI_CONFIG_LABEL_DEF";

#[test]
fn the_label_is_the_one_that_the_cni_reads() {
    let labels = |label_def: &str, text: &str| {
        on_cluster(&[(LABEL_DEF, label_def)], text).unwrap().kubelet.node_labels.to_string()
    };
    let of_zone = "topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";
    assert_eq!(labels("", ""), format!("k8s.amazonaws.com/eniConfig=us-west-2a,{of_zone}"));
    assert_eq!(labels("example.com/pods", ""), format!("example.com/pods=us-west-2a,{of_zone}"));
    for zone in ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"] {
        assert_eq!(labels(zone, ""), of_zone, "a zone label needs no further one");
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
        "Karpenter's case"
    );
    assert_eq!(labels("", "[eni-config]\nname = \"default\"\nlabel = \"\""), of_zone);
}

#[test]
fn a_name_that_the_cni_would_not_look_up_is_refused() {
    let refused = |label_def: &str, text: &str| {
        on_cluster(&[(LABEL_DEF, label_def)], text).unwrap_err().to_string()
    };
    let prefixed = "[eni-config]\nname = \"prod-{zone}\"";
    assert_eq!(
        refused("topology.kubernetes.io/zone", prefixed),
        "the CNI would look for ENIConfig \"us-west-2a\" and not for \"prod-us-west-2a\": the node's label topology.kubernetes.io/zone says so"
    );
    assert_eq!(
        refused("", "[eni-config]\nlabel = \"example.com/other\""),
        "the CNI would look for ENIConfig \"default\" and not for \"us-west-2a\": no label k8s.amazonaws.com/eniConfig, which it reads, is set"
    );
    assert_eq!(
        refused("", "[labels]\n\"vpc.amazonaws.com/externalEniConfig\" = \"blue\""),
        "the CNI would look for ENIConfig \"blue\" and not for \"us-west-2a\": the node's label vpc.amazonaws.com/externalEniConfig says so"
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
        "set eni-config.label = \"vpc.amazonaws.com/externalEniConfig\", which the CNI reads before any other label, or make eni-config.name and ENI_CONFIG_LABEL_DEF on the aws-node DaemonSet agree"
    );
}

#[test]
fn the_daemonset_decides_the_figure_and_a_key_set_by_hand_one_term_of_it() {
    let figure = |environment: &[(&str, &str)], text: &str| {
        on_cluster(environment, text).unwrap().capacity.max_pods
    };
    let no_ceiling = "[pods]\nceiling = \"none\"";
    let prefixes = [("ENABLE_PREFIX_DELEGATION", "true"), ("WARM_PREFIX_TARGET", "1")];
    assert_eq!(figure(&[], ""), 20);
    assert_eq!(figure(&prefixes, no_ceiling), 290);
    assert_eq!(figure(&prefixes, "[cni]\nmax-eni = 2\n[pods]\nceiling = \"none\""), 146);
}
