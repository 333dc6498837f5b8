use super::*;
use crate::domain::cni::IpFamily;
use crate::domain::max_pods::Ceiling;
use std::path::Path;

fn layer(text: &str) -> Result<Layer, FileError> {
    Layer::from_toml(Path::new("/etc/eni-bootstrap/10.toml"), text)
}

fn settings(text: &str) -> Result<Settings, SettingsError> {
    Settings::from_layer(layer(text)?)
}

fn file_error(text: &str) -> (String, Option<String>) {
    let error = layer(text).unwrap_err();
    (error.to_string(), error.nearest)
}

#[test]
fn nothing_said_is_as_the_cluster_says_and_the_eniconfig_by_zone() {
    let settings = settings("").unwrap();
    assert_eq!(settings.cni_source, CniSource::Cluster);
    assert_eq!(settings.cni, CniLayer::default());
    assert_eq!(settings.eni_config_name, "{zone}".parse().unwrap());
    assert_eq!(settings.eni_config_label, EniConfigLabel::OfTheCni);
    assert!(settings.verify);
    assert_eq!(settings.wait, Wait::For(Duration::from_mins(10)));
    assert_eq!(settings.on_timeout, OnTimeout::Fail);
    assert_eq!(settings.pods, Wishes::default());
    assert_eq!(settings.host, HostKind::Auto);
    assert_eq!(settings.imds_wait, Duration::from_mins(2));
}

#[test]
fn every_key_is_read() {
    let settings = settings(
        r#"
        [cni]
        source = "settings"
        custom-networking = false
        prefix-delegation = true
        max-eni = 3
        pod-eni = true
        reserved-enis = 1
        ip-family = "ipv6"
        multi-nic = true
        minimum-ip-target = 30
        warm-ip-target = 2
        [eni-config]
        name = "prod-{zone}"
        label = ""
        wait = "forever"
        on-timeout = "continue"
        verify = false
        [pods]
        ceiling = 58
        max = 40
        policy = "lower"
        extra = 1
        [labels]
        team = "blue"
        [reserve]
        cpu = "100m"
        memory = "1Gi"
        ephemeral-storage = "2Gi"
        [cluster]
        name = "prod"
        endpoint = "https://example.com"
        certificate-authority = "Q0E="
        kubeconfig = "/kubeconfig"
        [host]
        kind = "kubelet-dropin"
render-wait = "5s"
        [imds]
        wait = "30s"
        "#,
    )
    .unwrap();
    let mut labels = Labels::default();
    labels.insert("team".parse().unwrap(), "blue".parse().unwrap());
    assert_eq!(
        settings,
        Settings {
            cni_source: CniSource::Settings,
            cni: CniLayer {
                source: None,
                custom_networking: Some(false),
                prefix_delegation: Some(true),
                max_eni: Some(3),
                pod_eni: Some(true),
                reserved_enis: Some(1),
                ip_family: Some(IpFamily::Ipv6),
                multi_nic: Some(true),
                minimum_ip_target: Some(30),
                warm_ip_target: Some(2),
            },
            eni_config_name: "prod-{zone}".parse().unwrap(),
            eni_config_label: EniConfigLabel::Nothing,
            verify: false,
            wait: Wait::Forever,
            on_timeout: OnTimeout::Continue,
            pods: Wishes { ceiling: Ceiling::At(58), fixed: Some(40), extra: 1 },
            policy: Policy::Lower,
            labels,
            reserve: Overrides {
                cpu: Some("100m".parse().unwrap()),
                memory: Some("1Gi".parse().unwrap()),
                ephemeral_storage: Some("2Gi".parse().unwrap()),
            },
            cluster: ClusterConfig {
                name: Some("prod".to_owned()),
                endpoint: Some("https://example.com".to_owned()),
                certificate_authority: Some("Q0E=".to_owned()),
                id: None,
            },
            kubeconfig: Some("/kubeconfig".into()),
            host: HostKind::KubeletDropin,
            render_wait: Duration::from_secs(5),
            imds_wait: Duration::from_secs(30),
        }
    );
}

#[test]
fn later_layers_win_key_by_key() {
    let below = layer("[pods]\nmax = 58\nextra = 2\n[labels]\na = \"1\"\nb = \"1\"").unwrap();
    let above = layer("[pods]\nmax = 20\n[labels]\nb = \"2\"").unwrap();
    let merged = above.over(below);
    assert_eq!((merged.pods.max, merged.pods.extra), (Some(20), Some(2)));
    assert_eq!(merged.labels, Some("a=1,b=2".parse().unwrap()));
}

#[test]
fn a_misspelt_key_names_file_line_and_the_nearest() {
    assert_eq!(
        file_error("[cni]\n\nprefix-delegatoin = true\n"),
        (
            "/etc/eni-bootstrap/10.toml, line 3: unknown field `prefix-delegatoin`, expected one of `source`, `custom-networking`, `prefix-delegation`, `max-eni`, `pod-eni`, `reserved-enis`, `ip-family`, `multi-nic`, `minimum-ip-target`, `warm-ip-target`".to_owned(),
            Some("prefix-delegation".to_owned())
        )
    );
    let (text, nearest) = file_error("[pods]\nmax = 1\n[eniconfig]\n");
    assert_eq!(nearest.as_deref(), Some("eni-config"), "{text}");
    assert_eq!(file_error("[cni]\nzzz = 1\n").1, None);
}

#[test]
fn a_wrong_value_names_file_and_line() {
    assert_eq!(
        file_error("[pods]\nceiling = \"lots\"\n").0,
        "/etc/eni-bootstrap/10.toml, line 2: \"lots\" is neither recommended, none nor a number above 0"
    );
    assert_eq!(
        file_error("[reserve]\ncpu = \"1 core\"\n").0,
        "/etc/eni-bootstrap/10.toml, line 2: \"1 core\": \"1 core\" is not a quantity (such as 100m, 475Mi or 1Gi)"
    );
    assert_eq!(
        file_error("[pods]\nmax = \"20\"\n").0,
        "/etc/eni-bootstrap/10.toml, line 2: invalid type: string \"20\", expected u32"
    );
    assert!(file_error("[pods\n").0.starts_with("/etc/eni-bootstrap/10.toml, line 1: "));
}

#[test]
fn labels_and_templates_are_checked() {
    let error = settings("[labels]\n\"node-role.kubernetes.io/x\" = \"\"").unwrap_err();
    assert_eq!(
        error,
        SettingsError::Label(InvalidLabel::NotSettable("node-role.kubernetes.io/x".to_owned()))
    );
    let error = settings("[eni-config]\nname = \"{az}\"").unwrap_err();
    assert_eq!(error, SettingsError::EniConfigName(InvalidTemplate::UnknownField("az".to_owned())));
    let error = settings("[eni-config]\nlabel = \"a b\"").unwrap_err();
    assert_eq!(error, SettingsError::EniConfigLabel(InvalidLabel::Key("a b".to_owned())));
}

#[test]
fn a_wait_of_nothing_asks_once() {
    for text in ["0", "0s"] {
        assert_eq!(text.parse(), Ok(Wait::Once));
    }
    assert_eq!("90s".parse(), Ok(Wait::For(Duration::from_secs(90))));
}
