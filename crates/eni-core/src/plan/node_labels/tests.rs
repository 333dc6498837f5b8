use crate::diagnostic::{Code, Diagnostic};
use crate::domain::aws_node::AwsNode;
use crate::domain::label::InvalidLabel;
use crate::facts::Facts;
use crate::failure::{Advice as _, ExitCode};
use crate::host::ExistingConfig;
use crate::host::existing_config::{ConfigLocation, ExistingLabel};
use crate::plan::tests::{facts, settings};
use crate::plan::{Plan, PlanError, plan};
use std::collections::BTreeMap;

const DEFAULT: &str = "k8s.amazonaws.com/eniConfig";
const EXTERNAL: &str = "vpc.amazonaws.com/externalEniConfig";
const OF_ZONE: &str =
    "topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";

/// Plans for an m5.large in us-west-2a whose existing labels have these keys, values and locations.
fn planned(
    existing: &[(&str, &str, ConfigLocation)],
    text: &str,
    aws_node: Option<&AwsNode>,
) -> Result<Plan, PlanError> {
    let labels = existing.iter().map(|(key, value, location)| ExistingLabel {
        key: (*key).to_owned(),
        value: (*value).to_owned(),
        location: location.clone(),
    });
    let existing = ExistingConfig { node_labels: labels.collect(), ..ExistingConfig::default() };
    plan(&Facts { existing, ..facts("m5.large") }, &settings(text), aws_node)
}

/// Returns the ENIConfig, the labels and the diagnostics of a plan without a `DaemonSet`.
fn result(
    existing: &[(&str, &str, ConfigLocation)],
    text: &str,
) -> (String, String, Vec<Diagnostic>) {
    let plan = planned(existing, text, None).unwrap();
    let name = plan.wait.map(|name| name.to_string()).unwrap_or_default();
    (name, plan.kubelet.node_labels.to_string(), plan.diagnostics)
}

fn kept(label: &str) -> Diagnostic {
    Diagnostic::info(
        Code::EniConfigLabelKept,
        format!(
            "{label}; this ENIConfig is used instead of us-west-2a (eni-config.policy = \"respect\")"
        ),
    )
}

#[test]
fn an_existing_eni_config_label_is_the_name_that_is_waited_for() {
    assert_eq!(
        result(&[(DEFAULT, "team-b", ConfigLocation::UserDataFlag)], ""),
        (
            "team-b".to_owned(),
            format!("{DEFAULT}=team-b,{OF_ZONE}"),
            vec![kept("a kubelet flag in user data sets label k8s.amazonaws.com/eniConfig=team-b")]
        )
    );
    // The CNI reads this label first, and Bottlerocket's settings count as well.
    let (name, labels, notes) = result(
        &[
            (DEFAULT, "team-b", ConfigLocation::Bottlerocket),
            (EXTERNAL, "other-zone", ConfigLocation::Bottlerocket),
        ],
        "",
    );
    assert_eq!((name.as_str(), labels.as_str()), ("other-zone", OF_ZONE));
    assert_eq!(
        notes,
        [kept(
            "settings.kubernetes.node-labels sets label vpc.amazonaws.com/externalEniConfig=other-zone"
        )]
    );
    let of_zone = [(DEFAULT, "us-west-2a", ConfigLocation::Arguments)];
    let (name, labels, notes) = result(&of_zone, "[eni-config]\nname = \"{zone}\"");
    assert_eq!((name.as_str(), labels), ("us-west-2a", format!("{DEFAULT}=us-west-2a,{OF_ZONE}")));
    assert_eq!(notes, [], "the same name is no conflict");
}

#[test]
fn an_existing_eni_config_label_counts_without_a_label_of_eni_bootstrap() {
    let aws_node = |label_def: &str| {
        let variables =
            [("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"), ("ENI_CONFIG_LABEL_DEF", label_def)];
        let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
        AwsNode::read(&BTreeMap::from(variables), "")
    };
    let existing = [(DEFAULT, "team-b", ConfigLocation::Arguments)];
    let name = |aws_node: Option<&AwsNode>| {
        let plan = planned(&existing, "[eni-config]\nlabel = \"\"", aws_node).unwrap();
        (plan.wait.unwrap().to_string(), plan.kubelet.node_labels.to_string())
    };
    assert_eq!(name(Some(&aws_node(DEFAULT))), ("team-b".to_owned(), OF_ZONE.to_owned()));
    assert_eq!(name(None), ("team-b".to_owned(), OF_ZONE.to_owned()));
    assert_eq!(
        name(Some(&aws_node("topology.kubernetes.io/zone"))),
        ("us-west-2a".to_owned(), OF_ZONE.to_owned()),
        "the CNI does not read the label"
    );
}

#[test]
fn an_existing_eni_config_label_and_an_explicit_name_are_a_conflict() {
    let existing = [(DEFAULT, "team-b", ConfigLocation::DropInFlag("50-site.yaml".to_owned()))];
    let error = planned(&existing, "[eni-config]\nname = \"prod-{zone}\"", None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a kubelet flag in /etc/eks/nodeadm.d/50-site.yaml sets label k8s.amazonaws.com/eniConfig=team-b, but eni-config.name gives \"prod-us-west-2a\""
    );
    assert_eq!(
        error.help(),
        "remove the existing label to use ENIConfig prod-us-west-2a, remove eni-config.name to use the ENIConfig of the label, or set eni-config.policy = \"override\""
    );
    let error = planned(&[(EXTERNAL, "", ConfigLocation::UserDataFlag)], "", None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a kubelet flag in user data sets label vpc.amazonaws.com/externalEniConfig=, and the CNI reads the ENIConfig name from this label"
    );
    assert_eq!(error.exit_code(), ExitCode::InvalidData);
}

#[test]
fn override_replaces_an_existing_eni_config_label_with_a_warning() {
    let policy = "[eni-config]\npolicy = \"override\"";
    let existing = [
        (DEFAULT, "team-b", ConfigLocation::UserDataFlag),
        (EXTERNAL, "team-c", ConfigLocation::UserDataFlag),
    ];
    let (name, labels, notes) = result(&existing, policy);
    assert_eq!(name, "us-west-2a");
    assert_eq!(labels, format!("{DEFAULT}=us-west-2a,{OF_ZONE},{EXTERNAL}=us-west-2a"));
    let warning = |label: &str| {
        Diagnostic::warning(
            Code::LabelOverridden,
            format!(
                "a kubelet flag in user data sets label {label}; eni-bootstrap's value us-west-2a takes precedence (eni-config.policy = \"override\")"
            ),
            "remove the existing label, or set eni-config.policy = \"respect\" to use its ENIConfig",
        )
    };
    assert_eq!(
        notes,
        [
            warning("k8s.amazonaws.com/eniConfig=team-b"),
            warning("vpc.amazonaws.com/externalEniConfig=team-c")
        ]
    );
    let error =
        planned(&[(DEFAULT, "team-b", ConfigLocation::LateArguments)], policy, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to override the ENIConfig label: the kubelet command line sets label k8s.amazonaws.com/eniConfig=team-b, and the kubelet reads these arguments after those of eni-bootstrap"
    );
    assert_eq!(error.help(), "remove the label from kubelet.service and its drop-ins");
}

#[test]
fn another_existing_label_is_overridden_with_a_warning_unless_it_is_read_later() {
    let team = |location| [("team", "green", location)];
    let text = "[cni]\ncustom-networking = false\n[labels]\nteam = \"blue\"";
    let (_, labels, notes) = result(&team(ConfigLocation::UserDataFlag), text);
    assert_eq!(labels, format!("team=blue,{OF_ZONE}"));
    assert_eq!(
        notes,
        [Diagnostic::warning(
            Code::LabelOverridden,
            "a kubelet flag in user data sets label team=green; eni-bootstrap's value blue takes precedence",
            "remove the existing label",
        )]
    );
    let later = ConfigLocation::DropInFlag("95-site.yaml".to_owned());
    assert_eq!(
        result(&team(later), text).2,
        [Diagnostic::warning(
            Code::LabelLaterDropIn,
            "a kubelet flag in /etc/eks/nodeadm.d/95-site.yaml sets label team=green; nodeadm reads this file after 90-eni-bootstrap.yaml, so it takes precedence over blue",
            "rename the file so that it sorts before 90-eni-bootstrap.yaml, or remove the label from it",
        )]
    );
    assert_eq!(result(&[("team", "blue", ConfigLocation::UserDataFlag)], text).2, []);
}

#[test]
fn an_existing_label_that_the_kubelet_rejects_is_an_error_with_its_location() {
    let rejected = |key: &str, value: &str, text: &str| {
        planned(&[(key, value, ConfigLocation::Bottlerocket)], text, None).unwrap_err()
    };
    let error = rejected("node-role.kubernetes.io/x", "", "");
    assert_eq!(
        error.to_string(),
        "the kubelet would exit, because settings.kubernetes.node-labels sets label node-role.kubernetes.io/x="
    );
    assert_eq!(
        error.help(),
        "remove the label there, or use a key outside of kubernetes.io and k8s.io; after the node has joined, an administrator can run `kubectl label node NODE node-role.kubernetes.io/x=`"
    );
    assert_eq!(error.exit_code(), ExitCode::InvalidData);
    let source = |error| match error {
        PlanError::RejectedLabel { source, .. } => source,
        other => panic!("{other}"),
    };
    let key = "node-role.kubernetes.io/x".to_owned();
    assert_eq!(source(error), InvalidLabel::NotSettable(key));
    assert_eq!(source(rejected("a b", "", "")), InvalidLabel::Key("a b".to_owned()));
    assert_eq!(source(rejected("a", "-", "")), InvalidLabel::Value("-".to_owned()));
    // The value in force is valid.
    let existing = [("a", "-", ConfigLocation::UserDataFlag)];
    assert_eq!(planned(&existing, "[labels]\na = \"1\"", None).map(|_| ()), Ok(()));
}

#[test]
fn a_label_setting_for_the_instance_type_must_have_its_value() {
    let text =
        |value: &str| format!("[labels]\n\"node.kubernetes.io/instance-type\" = \"{value}\"");
    assert_eq!(
        planned(&[], &text("m5.xlarge"), None).unwrap_err().to_string(),
        "label node.kubernetes.io/instance-type has two values: \"m5.large\" and \"m5.xlarge\""
    );
    let labels = result(&[], &text("m5.large")).1;
    assert_eq!(
        labels,
        format!("{DEFAULT}=us-west-2a,node.kubernetes.io/instance-type=m5.large,{OF_ZONE}")
    );
    assert_eq!(
        planned(&[], "[labels]\n\"failure-domain.beta.kubernetes.io/zone\" = \"b\"", None)
            .unwrap_err()
            .to_string(),
        "label failure-domain.beta.kubernetes.io/zone has two values: \"us-west-2a\" and \"b\""
    );
}

#[test]
fn the_cni_reads_the_external_label_from_version_1_11_0() {
    let version = |tag: &str| {
        AwsNode::read(
            &BTreeMap::from([("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG".to_owned(), "true".to_owned())]),
            &format!("amazon-k8s-cni:{tag}"),
        )
    };
    let existing = [(EXTERNAL, "team-b", ConfigLocation::UserDataFlag)];
    for tag in ["v1.11.0", "latest"] {
        let plan = planned(&existing, "", Some(&version(tag))).unwrap();
        assert_eq!(plan.wait.unwrap().as_str(), "team-b", "{tag}");
    }
    let plan = planned(&existing, "", Some(&version("v1.10.4-eksbuild.1"))).unwrap();
    assert_eq!(plan.wait.unwrap().as_str(), "us-west-2a");
    assert_eq!(plan.kubelet.node_labels.to_string(), format!("{DEFAULT}=us-west-2a,{OF_ZONE}"));
    assert_eq!(plan.diagnostics, []);
    let label = format!("[eni-config]\nlabel = \"{EXTERNAL}\"");
    let settings = format!("{label}\n[cni]\nversion = \"1.10.4\"");
    for rejected in [planned(&[], &label, Some(&version("v1.10.4"))), planned(&[], &settings, None)]
    {
        let error = rejected.unwrap_err();
        assert_eq!(
            error.to_string(),
            "eni-config.label is \"vpc.amazonaws.com/externalEniConfig\", but the CNI reads this label from version 1.11.0, and its version is 1.10.4"
        );
        assert_eq!(
            error.help(),
            "remove eni-config.label, so that eni-bootstrap sets the label in ENI_CONFIG_LABEL_DEF, or upgrade the CNI"
        );
        assert_eq!(error.exit_code(), ExitCode::Settings);
    }
    let without = format!("{settings}\ncustom-networking = false");
    assert!(planned(&[], &without, None).is_ok(), "there is no label without custom networking");
    let mut label_def = version("v1.10.4");
    EXTERNAL.clone_into(&mut label_def.eni_config_label);
    let plan = planned(&[], "", Some(&label_def)).unwrap();
    assert_eq!(plan.kubelet.node_labels.to_string(), format!("{OF_ZONE},{EXTERNAL}=us-west-2a"));
    assert!(planned(&[], &label, Some(&label_def)).is_ok(), "ENI_CONFIG_LABEL_DEF names it");
}
