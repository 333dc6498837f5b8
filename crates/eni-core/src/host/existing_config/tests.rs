use super::max_pods::{max_pods_flag, max_pods_in_arguments, max_pods_in_node_config};
use super::*;
use crate::host::user_data::node_config;

#[test]
fn the_last_flag_counts_and_similar_flags_do_not() {
    for (text, expected) in [
        ("--max-pods=20", Some(20)),
        ("--v=2 --max-pods 58 --x", Some(58)),
        ("--max-pods=20 --max-pods=30", Some(30)),
        ("--max-pods=\"110\"", Some(110)),
        ("\"--max-pods\" \"110\"", Some(110)),
        ("--max_pods=110", Some(110)),
        ("--max-pods=$MAX", None),
        ("--max-pods-x=3", None),
        ("", None),
    ] {
        assert_eq!(max_pods_flag(&flags::words(text)), expected, "{text}");
    }
}

#[test]
fn some_locations_need_a_flag() {
    let takes = |location: ConfigLocation| location.needs_flag();
    let name = || "a".to_owned();
    for location in
        [ConfigLocation::Expression, ConfigLocation::UserData, ConfigLocation::DropIn(name())]
    {
        assert!(!takes(location.clone()), "{location:?}");
    }
    for location in [
        ConfigLocation::KubeletDropIn(name()),
        ConfigLocation::UserDataFlag,
        ConfigLocation::DropInFlag(name()),
        ConfigLocation::Arguments,
    ] {
        assert!(takes(location.clone()), "{location:?}");
    }
    let has_flag = |arguments: &str| {
        ExistingConfig::from_command_lines(&[arguments.to_owned()]).has_kube_reserved_flag
    };
    assert!(has_flag("--v=2 --kube-reserved=cpu=1"));
    assert!(has_flag("--kube-reserved cpu=1"));
    assert!(!has_flag("--system-reserved=cpu=1 --kube-reserved-cgroup=/runtime"));
}

#[test]
fn each_location_and_owner_has_its_text() {
    let user_data = || (ConfigLocation::UserData, ConfigLocation::UserDataFlag);
    let values = |max_pods, flags: &[&str], drop_in: Option<&str>| {
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        let kubelet = NodeConfigKubelet { max_pods, flags, ..NodeConfigKubelet::default() };
        let locations = drop_in.map(str::to_owned).map_or_else(user_data, |name| {
            (ConfigLocation::DropIn(name.clone()), ConfigLocation::DropInFlag(name))
        });
        let existing = max_pods_in_node_config(&kubelet, &locations);
        existing.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let expression = |text: &str| {
        let expression = Some(text.to_owned());
        let kubelet = NodeConfigKubelet { expression, ..NodeConfigKubelet::default() };
        max_pods_in_node_config(&kubelet, &user_data())
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(expression("17"), ["maxPodsExpression in user data sets max-pods to 17"]);
    assert_eq!(expression("max_pods - 1"), Vec::<String>::new());
    let drop_in = |name: &str, text: &str| {
        max_pods_in_kubelet_drop_in(name, text).map(|existing| existing.to_string())
    };
    assert_eq!(
        drop_in("50-site.conf", "{\"maxPods\": 5}").as_deref(),
        Some("/etc/kubernetes/kubelet/config.json.d/50-site.conf sets max-pods to 5")
    );
    assert_eq!(drop_in("50-site.conf", "maxPods: 5"), drop_in("50-site.conf", "{\"maxPods\":5}"));
    assert_eq!(drop_in("30-site.conf", "{\"maxPods\": 5}"), None, "before nodeadm's");
    assert_eq!(drop_in("40-nodeadm.conf", "{\"maxPods\": 5}"), None, "nodeadm's own");
    assert_eq!(drop_in("50-site.conf", "{\"maxPods\": -1}"), None);
    assert_eq!(
        values(Some(110), &["--node-labels=eks.amazonaws.com/nodegroup=blue"], None),
        ["user data sets max-pods to 110 (managed node group)"]
    );
    assert_eq!(
        values(Some(58), &["--max-pods=17", "--node-labels=karpenter.sh/nodepool=x"], None),
        [
            "user data sets max-pods to 58 (Karpenter)",
            "a kubelet flag in user data sets max-pods to 17 (Karpenter)"
        ]
    );
    assert_eq!(
        values(Some(3), &["--max-pods=4"], Some("50-site.yaml")),
        [
            "/etc/eks/nodeadm.d/50-site.yaml sets max-pods to 3",
            "a kubelet flag in /etc/eks/nodeadm.d/50-site.yaml sets max-pods to 4"
        ]
    );
    let words = flags::words("/usr/bin/kubelet --max-pods=9");
    assert_eq!(
        max_pods_in_arguments(&words, &ConfigLocation::Arguments, ConfigOwner::Unknown)
            .unwrap()
            .to_string(),
        "the kubelet command line sets max-pods to 9"
    );
    assert_eq!(max_pods_in_arguments(&[], &ConfigLocation::Arguments, ConfigOwner::Unknown), None);
}

#[test]
fn karpenter_passes_kube_reserved_as_a_flag_to_other_images() {
    let reserved = |line: &str| {
        let existing = ExistingConfig::from_command_lines(&[line.to_owned()]);
        existing.karpenter_reserved.map(|map| map.into_iter().collect::<Vec<_>>())
    };
    let labels = "/usr/bin/kubelet --node-labels=\"karpenter.sh/nodepool=x\" --max-pods=29";
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        reserved(&format!("{labels} --kube-reserved=\"memory=1Gi,cpu=100m\"")),
        Some(vec![pair("cpu", "100m"), pair("memory", "1Gi")])
    );
    assert_eq!(reserved(labels), Some(Vec::new()));
    assert_eq!(reserved("/usr/bin/kubelet --kube-reserved=memory=1Gi"), None);
}

#[test]
fn only_the_labels_that_karpenter_sets_on_its_nodes_name_karpenter() {
    let labels = |labels: &str| format!("--node-labels={labels}");
    let nodepool = "karpenter.sh/nodepool=x";
    for (flag, expected) in [
        (labels(nodepool), ConfigOwner::Karpenter),
        (labels(&format!("a=1,{nodepool}")), ConfigOwner::Karpenter),
        (labels("karpenter.sh/provisioner-name=x"), ConfigOwner::Karpenter),
        (labels("karpenter.k8s.aws/ec2nodeclass=x"), ConfigOwner::Karpenter),
        (labels("eks.amazonaws.com/nodegroup=x"), ConfigOwner::ManagedNodeGroup),
        (
            labels(&format!("{nodepool},eks.amazonaws.com/nodegroup=x")),
            ConfigOwner::ManagedNodeGroup,
        ),
        // Nodes that run the Karpenter controller.
        (labels("karpenter.sh/controller=true"), ConfigOwner::Unknown),
        (
            labels("karpenter.sh/controller=true,eks.amazonaws.com/nodegroup=x"),
            ConfigOwner::ManagedNodeGroup,
        ),
        (
            "--register-with-taints=karpenter.sh/controller=true:NoSchedule".into(),
            ConfigOwner::Unknown,
        ),
        (format!("--register-with-taints={nodepool}:NoSchedule"), ConfigOwner::Unknown),
        (labels("team=karpenter.sh/nodepool"), ConfigOwner::Unknown),
        (labels("karpenter.sh/nodepool-x=x"), ConfigOwner::Unknown),
    ] {
        let is_of_karpenter = expected == ConfigOwner::Karpenter;
        let lines = [format!("/usr/bin/kubelet --max-pods=9 {flag}")];
        let existing = ExistingConfig::from_command_lines(&lines);
        assert_eq!(existing.max_pods[0].owner, expected, "{flag}");
        assert_eq!(existing.karpenter_reserved.is_some(), is_of_karpenter, "{flag}");
        let user_data = format!(
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    config: {{maxPods: 9}}\n    flags: ['{flag}']\n"
        );
        let config = node_config(user_data.as_bytes()).unwrap().unwrap();
        let locations = (ConfigLocation::UserData, ConfigLocation::UserDataFlag);
        let existing = ExistingConfig::from_node_config(&config.kubelet, &locations);
        assert_eq!(existing.max_pods[0].owner, expected, "{flag}");
        assert_eq!(existing.karpenter_reserved.is_some(), is_of_karpenter, "{flag}");
    }
    let part = |flag: &str| {
        format!(
            "--//\nContent-Type: application/node.eks.aws\n\napiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec: {{kubelet: {{flags: [{flag}]}}}}\n"
        )
    };
    let user_data = format!(
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"//\"\n\n{}{}--//--\n",
        part(&labels(nodepool)),
        part(&labels("eks.amazonaws.com/nodegroup=x"))
    );
    let config = node_config(user_data.as_bytes()).unwrap().unwrap();
    assert_eq!(config.kubelet.flags.len(), 2);
    let locations = (ConfigLocation::UserData, ConfigLocation::UserDataFlag);
    let existing = ExistingConfig::from_node_config(&config.kubelet, &locations);
    assert_eq!(existing.karpenter_reserved, None, "the label of another part");
}
