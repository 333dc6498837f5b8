use super::*;
use crate::facts::Facts;
use crate::facts::fixture::facts;
use crate::failure::Advice as _;
use crate::host::{HostKind, Image, existing_config, user_data};
use crate::plan::plan;
use crate::plan::tests::settings;

/// Returns the kube-reserved and the diagnostics of a plan for an m5.large in us-west-2a.
fn planned(existing: ExistingConfig, text: &str) -> (String, Vec<Diagnostic>) {
    let facts = Facts { existing, ..facts("m5.large") };
    let plan = plan(&facts, &settings(text), None).unwrap();
    (plan.kubelet.kube_reserved.to_string(), plan.diagnostics)
}

/// Returns the existing configuration of user data with these lines of `spec.kubelet`.
fn in_user_data(kubelet: &str) -> ExistingConfig {
    let text = format!(
        "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    {kubelet}\n"
    );
    let config = user_data::node_config(text.as_bytes()).unwrap().unwrap();
    let instance_type = "m5.large".parse().unwrap();
    existing_config(&Image::default(), HostKind::Nodeadm, &instance_type, Some(&config.kubelet))
}

fn in_bottlerocket(memory: &str) -> ExistingConfig {
    let kube_reserved = [("memory".to_owned(), memory.to_owned())].into();
    ExistingConfig { kube_reserved, ..ExistingConfig::default() }
}

#[test]
fn an_existing_reserve_is_overridden_only_with_a_warning() {
    let locations = [
        (in_user_data("config: {kubeReserved: {memory: 2Gi}}"), "user data"),
        (in_user_data("flags: [--kube-reserved=memory=2Gi]"), "a kubelet flag in user data"),
        (in_bottlerocket("2Gi"), "settings.kubernetes"),
    ];
    for (existing, location) in locations {
        let subject = format!("{location} sets kube-reserved memory=2Gi");
        for policy in ["override", "lower"] {
            let (reserved, notes) =
                planned(existing.clone(), &format!("pods.policy = \"{policy}\""));
            assert_eq!(reserved, "cpu=70m,ephemeral-storage=1Gi,memory=475Mi");
            assert_eq!(
                notes,
                [Diagnostic::warning(
                    Code::KubeReservedOverridden,
                    format!(
                        "{subject}; the computed value 475Mi takes precedence (pods.policy = \"{policy}\")"
                    ),
                    "set reserve.memory = \"2Gi\" to keep this value, or set pods.policy = \"respect\" to keep every existing value",
                )]
            );
        }
        let (reserved, notes) = planned(existing.clone(), "pods.policy = \"respect\"");
        assert_eq!(reserved, "cpu=70m,ephemeral-storage=1Gi,memory=2Gi");
        assert_eq!(
            notes,
            [Diagnostic::info(
                Code::KubeReservedKept,
                format!("{subject}; this value is kept (pods.policy = \"respect\")")
            )]
        );
        let text = "pods.policy = \"respect\"\nreserve.memory = \"1Gi\"";
        let (reserved, notes) = planned(existing, text);
        assert_eq!(reserved, "cpu=70m,ephemeral-storage=1Gi,memory=1Gi");
        assert_eq!(
            notes,
            [Diagnostic::info(
                Code::KubeReservedOverridden,
                format!("{subject}; reserve.memory = 1Gi takes precedence")
            )]
        );
    }
}

#[test]
fn the_same_quantity_in_another_form_is_not_overridden() {
    let config =
        "config: {kubeReserved: {cpu: '0.07', memory: 486400Ki, ephemeral-storage: 1024Mi}}";
    assert_eq!(
        planned(in_user_data(config), ""),
        ("cpu=70m,ephemeral-storage=1Gi,memory=475Mi".to_owned(), Vec::new())
    );
    assert_eq!(planned(in_bottlerocket("475Mi"), "").1, []);
}

/// The image's own scripts write kube-reserved to the file of `--config`.
#[test]
fn a_reserve_in_the_kubelets_own_file_is_replaced_without_a_warning() {
    let location = ConfigLocation::KubeletConfig("/etc/kubelet.json".to_owned());
    let quantities = [("memory".to_owned(), "893Mi".to_owned())].into();
    let resources =
        vec![ExistingResources { map: ResourceMap::KubeReserved, quantities, location }];
    for policy in ["override", "respect"] {
        let existing = ExistingConfig { resources: resources.clone(), ..ExistingConfig::default() };
        assert_eq!(
            planned(existing, &format!("pods.policy = \"{policy}\"")),
            ("cpu=70m,ephemeral-storage=1Gi,memory=475Mi".to_owned(), Vec::new()),
        );
    }
}

#[test]
fn a_reserve_to_keep_must_be_a_quantity() {
    let existing = in_user_data("config: {kubeReserved: {memory: 2GB}}");
    let facts = Facts { existing, ..facts("m5.large") };
    let error = plan(&facts, &settings("pods.policy = \"respect\""), None).unwrap_err();
    assert_eq!(error.to_string(), "kube-reserved memory in user data is invalid");
    assert_eq!(
        error.help(),
        "correct the value (for example 500Mi), or set the resource in [reserve]"
    );
    assert!(plan(&facts, &settings(""), None).is_ok());
}
