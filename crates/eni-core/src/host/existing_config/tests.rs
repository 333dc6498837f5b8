use super::*;

#[test]
fn the_last_flag_counts_and_words_do_not() {
    for (text, expected) in [
        ("--max-pods=20", Some(20)),
        ("--v=2 --max-pods 58 --x", Some(58)),
        ("--max-pods=20 --max-pods=30", Some(30)),
        ("KUBELET_EXTRA_ARGS=\"--max-pods=11\"", Some(11)),
        ("--max-pods=$MAX", None),
        ("--max-pods-x=3", None),
        ("", None),
    ] {
        assert_eq!(of_arguments(text), expected, "{text}");
    }
}

#[test]
fn some_places_take_a_flag_to_beat() {
    let takes = |place| OtherFigure { max_pods: 1, place, owner: Owner::Somebody }.takes_a_flag();
    let name = || "a".to_owned();
    for place in [Place::Expression, Place::UserData, Place::DropIn(name())] {
        assert!(!takes(place.clone()), "{place:?}");
    }
    for place in [
        Place::KubeletDropIn(name()),
        Place::UserDataFlag,
        Place::DropInFlag(name()),
        Place::Arguments,
    ] {
        assert!(takes(place.clone()), "{place:?}");
    }
    assert!(sets_reserve("--v=2 --kube-reserved=cpu=1"));
    assert!(sets_reserve("--kube-reserved cpu=1"));
    assert!(!sets_reserve("--system-reserved=cpu=1 --kube-reserved-cgroup=/runtime"));
}

#[test]
fn each_place_and_owner_has_its_words() {
    let said = |max_pods, flags: &[&str], drop_in| {
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        let said = NodeConfigKubelet { max_pods, expression: None, flags };
        let found = of_node_config(&said, drop_in);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let expression = |text: &str| {
        let expression = Some(text.to_owned());
        let said = NodeConfigKubelet { expression, ..NodeConfigKubelet::default() };
        of_node_config(&said, None).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(expression("17"), ["maxPodsExpression in user data sets max-pods to 17"]);
    assert_eq!(expression("max_pods - 1"), Vec::<String>::new());
    let drop_in =
        |name: &str, text: &str| of_kubelet_drop_in(name, text).map(|found| found.to_string());
    assert_eq!(
        drop_in("50-site.conf", "{\"maxPods\": 5}").as_deref(),
        Some("/etc/kubernetes/kubelet/config.json.d/50-site.conf sets max-pods to 5")
    );
    assert_eq!(drop_in("50-site.conf", "maxPods: 5"), drop_in("50-site.conf", "{\"maxPods\":5}"));
    assert_eq!(drop_in("30-site.conf", "{\"maxPods\": 5}"), None, "before nodeadm's");
    assert_eq!(drop_in("40-nodeadm.conf", "{\"maxPods\": 5}"), None, "nodeadm's own");
    assert_eq!(drop_in("50-site.conf", "{\"maxPods\": -1}"), None);
    assert_eq!(
        said(Some(110), &["--node-labels=eks.amazonaws.com/nodegroup=blue"], None),
        ["user data sets max-pods to 110 (the managed node group's)"]
    );
    assert_eq!(
        said(Some(58), &["--max-pods=17", "--node-labels=karpenter.sh/nodepool=x"], None),
        [
            "user data sets max-pods to 58 (Karpenter's)",
            "a kubelet flag in user data sets max-pods to 17 (Karpenter's)"
        ]
    );
    assert_eq!(
        said(Some(3), &["--max-pods=4"], Some("50-site.yaml")),
        [
            "/etc/eks/nodeadm.d/50-site.yaml sets max-pods to 3",
            "a kubelet flag in /etc/eks/nodeadm.d/50-site.yaml sets max-pods to 4"
        ]
    );
    let lines = ["/usr/bin/kubelet --max-pods=9".to_owned()];
    assert_eq!(
        of_command_lines(&lines).unwrap().to_string(),
        "the kubelet's own arguments set max-pods to 9"
    );
    assert_eq!(of_command_lines(&[]), None);
}
