use super::*;
use crate::domain::capacity::Ceiling;
use crate::domain::capacity::NodeNetwork;
use crate::domain::cni::IpFamily;
use crate::host::HostKind;
use crate::host::existing_config::Policy;
use clap::{Args as _, FromArgMatches as _};
use std::path::Path;
use std::time::Duration;

fn parse(text: &str) -> Result<Settings, FileError> {
    Settings::from_toml(Path::new("/etc/eni-bootstrap/10.toml"), text)
}

fn file_error(text: &str) -> (String, Option<String>) {
    let error = parse(text).unwrap_err();
    (error.to_string(), error.nearest)
}

/// Path of a file of the repository.
fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[test]
fn the_shipped_reference_is_generated_and_changes_nothing() {
    let path = repository("packaging/50-defaults.toml");
    let generated = reference();
    #[expect(clippy::disallowed_methods, reason = "writes the generated file on request")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let shipped = std::fs::read_to_string(&path).unwrap();
    assert_eq!(shipped, generated, "run `UPDATE_GOLDEN=1 cargo test -p eni-core settings`");
    assert_eq!(Settings::from_toml(&path, &shipped), Ok(Settings::default()));
    assert_eq!(shipped.lines().find(|line| line.chars().count() > 100), None);
}

/// Returns the reference with every key uncommented.
fn examples() -> String {
    let reference = reference();
    let lines = reference.lines().map(|line| {
        let entry = line.strip_prefix("# ").filter(|rest| {
            rest.split_once(" = ").is_some_and(|(key, _)| !key.trim_matches('"').contains(' '))
        });
        entry.unwrap_or(if line.starts_with('[') { line } else { "" })
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_example_in_the_reference_is_valid() {
    let settings = parse(&examples()).unwrap();
    assert_eq!(settings.imds.wait, Some(Timeout::from_mins(2)));
    assert_eq!(settings.labels.0.to_string(), "example.com/team=blue");
    // The parsed examples set every key.
    let debug = format!("{settings:?}");
    assert!(!debug.contains("None"), "{debug}");
}

#[test]
fn key_flag_and_variable_follow_one_rule() {
    for setting in all() {
        let dashed = setting.key.replace('.', "-");
        assert_eq!(setting.flag, dashed);
        let variable = format!("ENI_BOOTSTRAP_{}", dashed.replace('-', "_").to_uppercase());
        assert_eq!(setting.variable, variable);
        let summary = &setting.documentation().summary;
        assert!(!summary.is_empty() && !summary.ends_with('.'), "{}", setting.key);
    }
}

#[test]
fn an_unset_setting_has_its_default() {
    let settings = parse("").unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.cni.source(), CniSource::Cluster);
    assert_eq!(settings.eni_config.name(), "{zone}".parse().unwrap());
    assert_eq!(settings.eni_config.label(), EniConfigLabel::OfTheCni);
    assert!(settings.eni_config.verify());
    assert_eq!(settings.eni_config.wait(), Wait::For(Duration::from_mins(10)));
    assert_eq!(settings.eni_config.on_timeout(), OnTimeout::Fail);
    assert_eq!(settings.pods.capacity_options(), CapacityOptions::default());
    assert_eq!(settings.pods.policy(), Policy::Override);
    assert_eq!(settings.reserve.overrides(), ReserveOverrides::default());
    assert_eq!(settings.host.kind(), HostKind::Auto);
    assert_eq!(settings.host.render_wait(), TimeSpan(Duration::from_secs(30)));
    assert_eq!(settings.imds.wait(), Timeout::from_mins(2));
}

#[test]
fn a_file_sets_values_of_every_type() {
    let settings = parse(
        r#"
        [cni]
        source = "settings"
        custom-networking = false
        ip-family = "ipv6"
        [eni-config]
        name = "prod-{zone}"
        label = ""
        wait = "forever"
        on-timeout = "continue"
        [pods]
        ceiling = 58
        max = 40
        policy = "lower"
        extra = 1
        [labels]
        team = "blue"
        [reserve]
        cpu = "100m"
        [cluster]
        kubeconfig = "/kubeconfig"
        [host]
        kind = "kubelet-dropin"
        render-wait = "5s"
        "#,
    )
    .unwrap();
    assert_eq!(settings.cni.source(), CniSource::Settings);
    assert_eq!(settings.cni.custom_networking, Some(false));
    assert_eq!(settings.cni.ip_family, Some(IpFamily::Ipv6));
    assert_eq!(settings.eni_config.name(), "prod-{zone}".parse().unwrap());
    assert_eq!(settings.eni_config.label(), EniConfigLabel::Nothing);
    assert_eq!(settings.eni_config.wait(), Wait::Forever);
    assert_eq!(settings.eni_config.on_timeout(), OnTimeout::Continue);
    assert_eq!(
        settings.pods.capacity_options(),
        CapacityOptions {
            ceiling: Ceiling::At(58),
            max_pods_override: Some(MaxPodsOverride::Setting { value: 40 }),
            extra: 1,
            network: NodeNetwork::default(),
        }
    );
    assert_eq!(settings.pods.policy(), Policy::Lower);
    assert_eq!(settings.labels.0.to_string(), "team=blue");
    assert_eq!(settings.reserve.overrides().cpu, Some("100m".parse().unwrap()));
    assert_eq!(settings.cluster.kubeconfig, Some("/kubeconfig".into()));
    assert_eq!(settings.host.kind(), HostKind::KubeletDropin);
    assert_eq!(settings.host.render_wait(), TimeSpan(Duration::from_secs(5)));
}

fn flags(arguments: impl IntoIterator<Item = String>) -> Settings {
    let command = Settings::augment_args(clap::Command::new("test")).no_binary_name(true);
    Settings::from_arg_matches(&command.get_matches_from(arguments)).unwrap()
}

#[test]
fn a_flag_sets_what_its_key_sets() {
    let arguments = all().map(|setting| {
        let example = if setting.key == "labels" {
            "example.com/team=blue"
        } else {
            &setting.documentation().example
        };
        format!("--{}={}", setting.flag, example.trim_matches('"'))
    });
    assert_eq!(flags(arguments), parse(&examples()).unwrap());
    let short = flags(["--cni-multi-nic".to_owned(), "--host=none".to_owned()]);
    assert_eq!((short.cni.multi_nic, short.host.kind), (Some(true), Some(HostKind::None)));
}

#[test]
fn a_later_source_overrides_key_by_key() {
    let below = parse("[pods]\nmax = 58\nextra = 2\n[labels]\na = \"1\"\nb = \"1\"").unwrap();
    let above = parse("[pods]\nmax = 20\n[labels]\nb = \"2\"").unwrap();
    let merged = above.over(below);
    assert_eq!((merged.pods.max, merged.pods.extra), (Some(20), Some(2)));
    assert_eq!(merged.labels, "a=1,b=2".parse().unwrap());
}

#[test]
fn an_unknown_key_names_file_line_and_the_nearest_key() {
    assert_eq!(
        file_error("[cni]\n\nprefix-delegatoin = true\n"),
        (
            "/etc/eni-bootstrap/10.toml, line 3: unknown key \"prefix-delegatoin\"".to_owned(),
            Some("prefix-delegation".to_owned())
        )
    );
    let (text, nearest) = file_error("[pods]\nmax = 1\n[eniconfig]\n");
    assert_eq!(nearest.as_deref(), Some("eni-config"), "{text}");
    assert_eq!(file_error("[cni]\nzzz = 1\n").1, None);
}

#[test]
fn an_invalid_value_names_file_and_line() {
    for (text, reason) in [
        (
            "[pods]\nceiling = \"lots\"\n",
            "invalid ceiling \"lots\": use \"recommended\", \"none\" or a number greater than 0",
        ),
        (
            "[reserve]\ncpu = \"1 core\"\n",
            "\"1 core\" is not a quantity (such as 100m, 475Mi or 1Gi)",
        ),
        ("[pods]\nmax = \"20\"\n", "invalid type: string \"20\", expected a whole number"),
        ("[imds]\nwait = \"soon\"\n", "\"soon\" is not a duration (such as 90s or 10m)"),
        ("[pods]\npolicy = \"lowest\"\n", "\"lowest\" is not one of override, respect, lower"),
    ] {
        assert_eq!(file_error(text).0, format!("/etc/eni-bootstrap/10.toml, line 2: {reason}"));
    }
    assert!(file_error("[pods\n").0.starts_with("/etc/eni-bootstrap/10.toml, line 1: "));
}

#[test]
fn labels_and_templates_are_checked_where_they_are_written() {
    for text in [
        "[labels]\n\"node-role.kubernetes.io/x\" = \"\"",
        "[eni-config]\nname = \"{az}\"",
        "[eni-config]\nlabel = \"a b\"",
    ] {
        let (text, _) = file_error(text);
        assert!(text.starts_with("/etc/eni-bootstrap/10.toml, line "), "{text}");
    }
    assert_eq!(
        "a".parse::<LabelMap>().unwrap_err().to_string(),
        "\"a\" does not have the form KEY=VALUE"
    );
}

#[test]
fn a_label_that_the_kubelet_sets_itself_is_rejected_with_help() {
    for key in ["kubernetes.io/os", "kubernetes.io/hostname", "beta.kubernetes.io/instance-type"] {
        let text = format!("[labels]\n\"{key}\" = \"x\"");
        let error = Settings::from_toml(Path::new("/etc/eni-bootstrap/10.toml"), &text);
        let error = SettingsError::from(error.unwrap_err());
        assert_eq!(
            (error.to_string(), error.help().as_ref()),
            (
                format!(
                    "/etc/eni-bootstrap/10.toml, line 1: label {key:?} is rejected, because the kubelet sets it itself"
                ),
                "remove the label, or use your own key, such as example.com/team"
            )
        );
        assert_eq!(
            format!("{key}=x").parse::<LabelMap>().unwrap_err().to_string(),
            format!("label {key:?} is rejected, because the kubelet sets it itself")
        );
    }
}

#[test]
fn a_wait_of_zero_tries_once() {
    for text in ["0", "0s"] {
        assert_eq!(text.parse(), Ok(Wait::Once));
    }
    assert_eq!("90s".parse(), Ok(Wait::For(Duration::from_secs(90))));
    for text in ["0", "1m 30s", "forever"] {
        assert_eq!(text.parse::<Wait>().unwrap().to_string(), text);
    }
}
