use crate::diagnostic::Code;
use crate::domain::reserved::Reserved;
use crate::facts::Facts;
use crate::facts::fixture::facts;
use crate::failure::{Advice as _, ExitCode};
use crate::host::existing_config::{ConfigLocation, ExistingResources, ResourceMap};
use crate::host::{ExistingConfig, HostKind, UnitCheck};
use crate::host::{Image, LoadedUnit, UnitFiles, UnitMismatch, detect, existing_config};
use crate::plan::tests::settings;
use crate::plan::{Plan, PlanError, plan};

const RUN: &str = "/etc/systemd/system/nodeadm-run.service";
const UNIT: &str = "/etc/systemd/system/kubelet.service";
const SITE: &str = "/etc/systemd/system/kubelet.service.d/20-site.conf";
const ENVIRONMENT: &str = "/etc/eks/kubelet/environment";

/// Plans for a c5.large with custom networking, which has a capacity of 20 pods. A drop-in of the
/// kubelet's unit adds `late` after nodeadm's flags, and `95-site.yaml` has `flags`.
fn planned(late: &str, flags: &str, text: &str) -> (Result<Plan, PlanError>, Vec<UnitCheck>) {
    let mut image = Image::default();
    image.insert_file(RUN, "[Service]\nExecStart=nodeadm --config-source /etc/eks/nodeadm.d/\n");
    image.insert_file(
        UNIT,
        "[Service]\nEnvironmentFile=/etc/eks/kubelet/environment\nExecStart=/usr/bin/kubelet $NODEADM_KUBELET_ARGS\n",
    );
    image.insert_file(
        SITE,
        format!("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet $NODEADM_KUBELET_ARGS {late}\n"),
    );
    image.insert_file(
        "/etc/eks/nodeadm.d/95-site.yaml",
        format!(
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec: {{kubelet: {{flags: [{flags}]}}}}\n"
        ),
    );
    let facts = facts("c5.large");
    let host = detect(HostKind::Auto, &image).unwrap();
    let existing = existing_config(&image, host.kind, &facts.instance.instance_type, None);
    let facts = Facts { host, existing, ..facts };
    let plan = plan(&facts, &settings(text), None);
    let checks = plan.as_ref().map(|plan| facts.host.unit_checks(&plan.in_force));
    let checks = checks.unwrap_or_default();
    (plan, checks)
}

/// Returns the codes of the warnings, and the result of the check of the kubelet's unit.
fn verified(late: &str, flags: &str, text: &str) -> (Vec<Code>, Result<(), UnitMismatch>) {
    let (plan, checks) = planned(late, flags, text);
    let unit = LoadedUnit::parse(&format!(
        "LoadState=loaded\nExecStart={{ path=/usr/bin/kubelet ; argv[]=/usr/bin/kubelet $NODEADM_KUBELET_ARGS {late} ; ignore_errors=no ; start_time=[n/a] }}\n"
    )).unwrap();
    let files = UnitFiles {
        environment: vec![(ENVIRONMENT.into(), String::new())],
        ..UnitFiles::default()
    };
    let codes = plan.unwrap().diagnostics.into_iter().map(|it| it.code).collect();
    (codes, checks[1].verify(&unit, &files))
}

#[test]
fn later_arguments_that_are_a_warning_pass_the_check_of_the_unit() {
    let pods = Code::MaxPodsLaterDropIn;
    let reserve = Code::ReserveLaterDropIn;
    let label = Code::LabelLaterDropIn;
    for (argument, codes) in [
        ("--max-pods=18", &[pods][..]),
        ("--kube-reserved=cpu=250m,memory=1024Mi", &[reserve, reserve]),
        ("--node-labels=topology.kubernetes.io/zone=custom", &[label]),
        ("--kube-reserved=cpu=0.25 --max-pods=9", &[pods, reserve]),
        ("--node-labels=team=blue", &[]),
    ] {
        assert_eq!(verified(argument, "", ""), (codes.to_vec(), Ok(())), "unit: {argument}");
        let flags = argument.replace(' ', "', '");
        let flags = format!("'{flags}'");
        assert_eq!(verified("", &flags, ""), (codes.to_vec(), Ok(())), "drop-in: {argument}");
    }
}

#[test]
fn a_later_max_pods_above_the_capacity_is_an_error_with_its_file() {
    let rejected = |late: &str, flags: &str| {
        let error = planned(late, flags, "").0.unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::InvalidData);
        (error.to_string(), error.help().into_owned())
    };
    let rest = "the capacity of this node is 20 pods; additional pods would stay in ContainerCreating without an IP address";
    for late in ["--max-pods=58", "\"--max-pods=58\" --v=2", "--max-pods 58"] {
        assert_eq!(
            rejected(late, ""),
            (
                format!(
                    "a kubelet flag in {SITE} sets max-pods to 58, and the kubelet reads these arguments after those of eni-bootstrap, but {rest}"
                ),
                format!("remove --max-pods from {SITE}")
            ),
            "{late}"
        );
    }
    assert_eq!(
        rejected("", "--max-pods=21"),
        (
            format!(
                "a kubelet flag in /etc/eks/nodeadm.d/95-site.yaml sets max-pods to 21, and nodeadm reads this file after 90-eni-bootstrap.yaml, but {rest}"
            ),
            "rename the file so that it sorts before 90-eni-bootstrap.yaml, or remove --max-pods from it".to_owned()
        )
    );
    for text in ["pods.max = 58", "pods.policy = \"respect\""] {
        let (codes, result) = verified("--max-pods=58", "", text);
        assert!(codes.contains(&Code::MaxPodsAboveCapacity), "{text}: {codes:?}");
        assert_eq!(result, Ok(()), "{text}");
    }
    let prefixes = "cni.prefix-delegation = true";
    let (codes, result) = verified("--max-pods=200", "", prefixes);
    assert_eq!((codes, result), (vec![Code::MaxPodsLaterDropIn], Ok(())), "above the ceiling only");
}

#[test]
fn warnings_about_later_arguments_name_their_file() {
    let late = "--kube-reserved=cpu=250m --node-labels=topology.kubernetes.io/zone=\"custom\"";
    let plan = planned(late, "", "").0.unwrap();
    let texts: Vec<String> = plan.diagnostics.iter().map(ToString::to_string).collect();
    let reason = "the kubelet reads these arguments after those of eni-bootstrap";
    assert_eq!(
        texts,
        [
            format!(
                "a kubelet flag in {SITE} sets label topology.kubernetes.io/zone=custom; {reason}, so it takes precedence over us-west-2a; remove the label from {SITE}"
            ),
            format!(
                "a kubelet flag in {SITE} sets kube-reserved cpu=250m; {reason}, so it takes precedence over 70m; remove --kube-reserved from {SITE}"
            ),
        ]
    );
}

#[test]
fn a_later_reserve_of_another_resource_replaces_the_repeated_one() {
    let existing = |location, quantity: &str| ExistingResources {
        map: ResourceMap::KubeReserved,
        quantities: [("pid".to_owned(), quantity.to_owned())].into(),
        location,
    };
    let file = ConfigLocation::KubeletConfig("/etc/kubelet.yaml".to_owned());
    let resources = vec![existing(file, "1000"), existing(ConfigLocation::LateArguments, "500")];
    let existing =
        ExistingConfig { has_kube_reserved_flag: true, resources, ..ExistingConfig::default() };
    let plan = plan(&Facts { existing, ..facts("c5.large") }, &settings(""), None).unwrap();
    let pid = |reserved: &Reserved| reserved.others["pid"].to_string();
    assert_eq!(pid(&plan.kubelet.kube_reserved), "1000");
    assert_eq!(pid(&plan.in_force.kube_reserved), "500");
}
