use super::*;
use crate::domain::cluster::{ClusterConfig, ClusterSource};
use crate::domain::proxy::ProxyUrl;
use crate::host::cluster_hints::ClusterHint;
use crate::host::existing_config::ConfigOwner;

const KUBERNETES: &str = r#"{"kubernetes":{"api-server":"https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com","authentication-mode":"aws","bootstrap-token":"SECRET","cluster-certificate":"TFM=","cluster-name":"prod","kube-reserved":{"memory":"574Mi"},"max-pods":29,"node-labels":{"team":"blue"}}}"#;
const OTHERS: &str = r#"{"aws":{"region":"us-west-2"},"network":{"https-proxy":"http://me:hunter2@proxy:3128","no-proxy":[".internal"]}}"#;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn settings() -> KubeletSettings {
    KubeletSettings {
        max_pods: Some(20),
        kube_reserved: map(&[("cpu", "70m"), ("memory", "475Mi")]),
        node_labels: map(&[("k8s.amazonaws.com/eniConfig", "us-west-2a"), ("team", "blue")]),
    }
}

#[test]
fn the_responses_contain_the_cluster_the_proxy_and_the_kubelet_settings() {
    let live = LiveSettings::read(KUBERNETES, OTHERS).unwrap();
    assert_eq!(
        live,
        LiveSettings {
            kubelet: KubeletSettings {
                max_pods: Some(29),
                kube_reserved: map(&[("memory", "574Mi")]),
                node_labels: map(&[("team", "blue")]),
            },
            cluster: ClusterConfig {
                name: Some("prod".to_owned()),
                endpoint: Some("https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com".to_owned()),
                certificate_authority: Some("TFM=".to_owned()),
                id: None,
            },
            authentication_mode: Some("aws".to_owned()),
            standalone_mode: None,
            node_taints: BTreeMap::new(),
            region: Some("us-west-2".to_owned()),
            https_proxy: live.https_proxy.clone(),
            no_proxy: vec![".internal".to_owned()],
        }
    );
    let proxy: Option<ProxyUrl> = live.https_proxy.as_ref().map(|it| it.secret().parse().unwrap());
    assert_eq!(proxy.unwrap().secret(), "http://me:hunter2@proxy:3128");
    assert_eq!(
        live.without_proxy(),
        [".internal", "EXAMPLE.gr7.us-west-2.eks.amazonaws.com"],
        "the API server is reached directly"
    );
    let debug = format!("{live:?}");
    assert!(!debug.contains("hunter2") && !debug.contains("SECRET"), "{debug}");
    let (source, config) = (ClusterSource::Bottlerocket, live.cluster.clone());
    assert_eq!(live.cluster_hint(), ClusterHint::Config { source, config });
    assert_eq!(LiveSettings::read("{}", "{}"), Ok(LiveSettings::default()));
}

#[test]
fn an_invalid_response_is_an_error_with_the_position_but_not_the_text() {
    let at = |line, column| Err(InvalidSettings { line, column });
    assert_eq!(LiveSettings::read("<html>SECRET</html>", "{}"), at(1, 1));
    assert_eq!(LiveSettings::read(&KUBERNETES[..100], "{}"), at(1, 100));
    assert_eq!(LiveSettings::read("{}", r#"{"aws":{"region":5}}"#), at(1, 18));
    assert_eq!(
        InvalidSettings { line: 1, column: 100 }.to_string(),
        "invalid JSON or an unexpected type at line 1, column 100"
    );
}

#[test]
fn tls_authentication_is_not_usable() {
    let live =
        LiveSettings { authentication_mode: Some("tls".to_owned()), ..LiveSettings::default() };
    assert_eq!(
        live.cluster_hint(),
        ClusterHint::Skipped {
            source: ClusterSource::Bottlerocket,
            reason: "authentication-mode is \"tls\", and the node has no certificate yet",
        }
    );
}

#[test]
fn keys_have_full_names_and_only_ours_are_compared() {
    assert_eq!(
        settings().keys(),
        "settings.kubernetes.max-pods,settings.kubernetes.kube-reserved.cpu,settings.kubernetes.kube-reserved.memory,settings.kubernetes.node-labels.%22k8s.amazonaws.com/eniConfig%22,settings.kubernetes.node-labels.%22team%22"
    );
    let mut live = settings();
    live.kube_reserved.insert("pid".to_owned(), "100".to_owned());
    live.node_labels.insert("other".to_owned(), "x".to_owned());
    assert_eq!(live.only(&settings()), settings());
    live.node_labels.insert("team".to_owned(), "red".to_owned());
    assert_ne!(live.only(&settings()), settings());
    live = KubeletSettings { max_pods: Some(29), ..settings() };
    assert_ne!(live.only(&settings()), settings());
}

/// The existing max-pods of an m5.large whose live value is `max_pods`, and whose record has
/// `recorded`.
fn existing(max_pods: u32, recorded: Option<u32>, label: &str) -> Option<ExistingMaxPods> {
    let live = LiveSettings {
        kubelet: KubeletSettings {
            max_pods: Some(max_pods),
            node_labels: map(&[(label, "x")]),
            ..KubeletSettings::default()
        },
        ..LiveSettings::default()
    };
    let eni_max_pods = vec!["# a comment\nm5.large 29\nm5.xlarge 58\n".to_owned()];
    let committed = KubeletSettings { max_pods: recorded, ..KubeletSettings::default() };
    let record = Some(Record { committed, ..Record::default() });
    Bottlerocket { live, record, eni_max_pods }.existing_max_pods(&"m5.large".parse().unwrap())
}

#[test]
fn values_of_pluto_and_of_an_earlier_boot_do_not_count_as_existing() {
    assert_eq!(existing(29, None, "team"), None, "pluto's");
    assert_eq!(existing(20, Some(20), "team"), None, "recorded by an earlier boot");
    let other = |max_pods, owner| {
        Some(ExistingMaxPods { max_pods, location: ConfigLocation::Bottlerocket, owner })
    };
    assert_eq!(existing(20, None, "team"), other(20, ConfigOwner::Unknown));
    assert_eq!(existing(58, Some(20), "team"), other(58, ConfigOwner::Unknown), "another type's");
    assert_eq!(
        existing(110, None, "eks.amazonaws.com/nodegroup"),
        other(110, ConfigOwner::ManagedNodeGroup)
    );
    assert_eq!(existing(110, None, "karpenter.sh/nodepool"), other(110, ConfigOwner::Karpenter));
    let controller = existing(110, None, "karpenter.sh/controller");
    assert_eq!(controller, other(110, ConfigOwner::Unknown), "runs the controller");
    assert_eq!(
        existing(110, None, "karpenter.sh/nodepool").unwrap().to_string(),
        "settings.kubernetes sets max-pods to 110 (Karpenter)"
    );
    let unset = Bottlerocket::default().existing_max_pods(&"m5.large".parse().unwrap());
    assert_eq!(unset, None);
}

#[test]
fn the_override_table_takes_precedence() {
    let live = LiveSettings {
        kubelet: KubeletSettings { max_pods: Some(17), ..KubeletSettings::default() },
        ..LiveSettings::default()
    };
    let eni_max_pods = vec!["m5.large 17\n".to_owned(), "m5.large 29\n".to_owned()];
    let bottlerocket = Bottlerocket { live, eni_max_pods, ..Bottlerocket::default() };
    assert_eq!(bottlerocket.existing_max_pods(&"m5.large".parse().unwrap()), None);
}

#[test]
fn our_kube_reserved_does_not_count_as_existing() {
    let kubelet = |pairs: &[(&str, &str)]| KubeletSettings {
        kube_reserved: map(pairs),
        ..KubeletSettings::default()
    };
    let bottlerocket = Bottlerocket {
        live: LiveSettings {
            kubelet: kubelet(&[("cpu", "70m"), ("memory", "1Gi")]),
            ..LiveSettings::default()
        },
        record: Some(Record {
            committed: kubelet(&[("cpu", "70m"), ("memory", "475Mi")]),
            ..Record::default()
        }),
        eni_max_pods: Vec::new(),
    };
    assert_eq!(bottlerocket.existing_kube_reserved(), map(&[("memory", "1Gi")]));
}

const CONFIG: &str = "---
kind: KubeletConfiguration
kubeReserved:
  cpu: \"70m\"
  memory: \"475Mi\"
  ephemeral-storage: \"1Gi\"
maxPods: 20
";
const ENV: &str = "NODE_IP=10.0.0.5\nNODE_LABELS=k8s.amazonaws.com/eniConfig=us-west-2a,team=blue\nNODE_TAINTS=\n";

#[test]
fn rendered_files_contain_every_value_and_every_label() {
    let missing = |config: &str, env: &str| {
        check_rendered(&settings(), config, env).map_err(|error| error.to_string())
    };
    assert_eq!(missing(CONFIG, ENV), Ok(()));
    assert_eq!(missing(CONFIG, &ENV.replace("=k8s", "=\"k8s").replace("blue", "blue\"")), Ok(()));
    for (config, env, why) in [
        (
            CONFIG.replace("20", "29"),
            ENV.to_owned(),
            "maxPods is 29 instead of 20 in /etc/kubernetes/kubelet/config",
        ),
        (
            CONFIG.replace("  memory: \"475Mi\"\n", ""),
            ENV.to_owned(),
            "kubeReserved.memory is not set instead of 475Mi in /etc/kubernetes/kubelet/config",
        ),
        (
            CONFIG.to_owned(),
            ENV.replace("blue", "bluer"),
            "label team=blue is missing from /etc/kubernetes/kubelet/env",
        ),
        (
            CONFIG.to_owned(),
            String::new(),
            "label k8s.amazonaws.com/eniConfig=us-west-2a is missing from /etc/kubernetes/kubelet/env",
        ),
        ("{".to_owned(), ENV.to_owned(), "/etc/kubernetes/kubelet/config is not valid YAML"),
    ] {
        assert_eq!(missing(&config, &env), Err(why.to_owned()));
    }
}
