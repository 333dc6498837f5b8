use super::*;

fn read(environment: &[(&str, &str)]) -> AwsNode {
    let owned = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    AwsNode::read(&owned.collect(), "")
}

#[test]
fn an_empty_environment_means_the_defaults_of_the_cni() {
    let config = read(&[]);
    assert_eq!(config.cni, Cni::default());
    assert_eq!(config.eni_config_label, "k8s.amazonaws.com/eniConfig");
    assert_eq!(config.eni_config_annotation, "k8s.amazonaws.com/eniConfig");
    assert!(!config.serves_cordoned_nodes);
    assert!(config.subnet_discovery);
    assert_eq!(config.diagnostics, []);
}

#[test]
fn every_variable_is_parsed() {
    let config = read(&[
        (CUSTOM_NETWORKING, "true"),
        (PREFIX_DELEGATION, "1"),
        (POD_ENI, "t"),
        (MAX_ENI, "4"),
        (IPV6, "T"),
        (MULTI_NIC, "True"),
        (MINIMUM_IP_TARGET, "30"),
        (WARM_IP_TARGET, "5"),
        (LABEL, "topology.kubernetes.io/zone"),
        (ANNOTATION, "example.com/eni"),
        (WHILE_CORDONED, "TRUE"),
        (SUBNET_DISCOVERY, "F"),
        (CLUSTER_NAME, "prod"),
        (MANAGE_UNTAGGED_ENI, "f"),
        (IMDS_ONLY, "t"),
        (DISABLE_PROVISIONING, "1"),
    ]);
    assert_eq!(
        config,
        AwsNode {
            cni: Cni {
                addressing: Addressing::Prefixes,
                custom_networking: true,
                pod_eni: true,
                max_eni: Some(4),
                reserved_enis: 0,
                ip_family: IpFamily::Ipv6,
                multi_nic: true,
                minimum_ip_target: 30,
                warm_ip_target: 5,
                imds_only: true,
                disable_provisioning: true,
                version: None,
            },
            eni_config_label: "topology.kubernetes.io/zone".to_owned(),
            eni_config_annotation: "example.com/eni".to_owned(),
            serves_cordoned_nodes: true,
            subnet_discovery: false,
            cluster_name: Some("prod".to_owned()),
            manages_untagged: false,
            image: String::new(),
            variables: config.variables.clone(),
            is_recorded: false,
            diagnostics: vec![],
        }
    );
}

#[test]
fn booleans_are_parsed_as_in_go() {
    for (text, expected) in [
        ("1", true),
        ("t", true),
        ("T", true),
        ("TRUE", true),
        ("true", true),
        ("True", true),
        ("0", false),
        ("f", false),
        ("F", false),
        ("FALSE", false),
        ("false", false),
        ("False", false),
    ] {
        let config = read(&[(CUSTOM_NETWORKING, text)]);
        assert_eq!(
            (config.cni.custom_networking, config.diagnostics),
            (expected, vec![]),
            "{text}"
        );
    }
    for text in ["yes", "on", "tRUE", "", " true"] {
        let config = read(&[(CUSTOM_NETWORKING, text), (SUBNET_DISCOVERY, text)]);
        assert!(!config.cni.custom_networking && config.subnet_discovery, "{text:?}");
        let words: Vec<String> = config.diagnostics.into_iter().map(|it| it.text).collect();
        assert_eq!(
            words,
            [
                format!(
                    "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG={text:?} on the aws-node DaemonSet is invalid; the CNI uses its default, false"
                ),
                format!(
                    "ENABLE_SUBNET_DISCOVERY={text:?} on the aws-node DaemonSet is invalid; the CNI uses its default, true"
                ),
            ]
        );
    }
}

#[test]
fn numbers_below_one_mean_no_limit_and_words_mean_the_default() {
    for text in ["0", "-1"] {
        let config = read(&[(MAX_ENI, text), (WARM_IP_TARGET, text)]);
        assert_eq!((config.cni, config.diagnostics), (Cni::default(), vec![]), "{text}");
    }
    assert_eq!(read(&[(MAX_ENI, "+3")]).cni.max_eni, Some(3));
    let config = read(&[(MAX_ENI, "four")]);
    assert_eq!(config.cni.max_eni, None);
    assert_eq!(
        config.diagnostics[0].to_string(),
        "MAX_ENI=\"four\" on the aws-node DaemonSet is invalid; the CNI uses its default, no limit; correct the value: `kubectl -n kube-system edit daemonset aws-node`"
    );
}

#[test]
fn prefixes_need_a_warm_target() {
    let prefixes = (PREFIX_DELEGATION, "true");
    assert_eq!(read(&[prefixes]).diagnostics, [no_warm_target()]);
    assert_eq!(read(&[prefixes, (WARM_PREFIX_TARGET, "0")]).diagnostics, [no_warm_target()]);
    for target in [WARM_PREFIX_TARGET, WARM_IP_TARGET, MINIMUM_IP_TARGET] {
        assert_eq!(read(&[prefixes, (target, "1")]).diagnostics, [], "{target}");
    }
    assert_eq!(
        no_warm_target().to_string(),
        "aws-node does not start: prefix delegation needs WARM_PREFIX_TARGET, WARM_IP_TARGET or MINIMUM_IP_TARGET above 0; set one of them: `kubectl -n kube-system set env daemonset aws-node WARM_PREFIX_TARGET=1`"
    );
}

#[test]
fn an_empty_key_means_the_default_label() {
    assert_eq!(read(&[(LABEL, "")]).eni_config_label, "k8s.amazonaws.com/eniConfig");
}
