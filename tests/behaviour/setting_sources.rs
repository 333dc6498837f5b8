//! The precedence of flags, environment variables and settings files, and their empty values.

use crate::support::node::{Node, in_cluster, ready_api};
use eni_bootstrap_sandbox::{Imds, Instance};
use serde_json::Value;

/// `pods.max` in force, with a variable and a flag.
fn max_pods(node: &Node, environment: Option<&str>, flag: Option<&str>) -> u64 {
    let mut command = node.command(["plan", "--output", "json", "--cni-source=settings"]);
    command.envs(environment.map(|max| ("ENI_BOOTSTRAP_PODS_MAX", max)));
    command.args(flag.map(|max| format!("--pods-max={max}")));
    let output = crate::support::node::run_output(command.output().unwrap());
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    plan["capacity"]["max_pods"].as_u64().unwrap()
}

#[test]
fn a_later_source_of_settings_takes_precedence() {
    let imds = Imds::start(&Instance::default());
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    assert_eq!(max_pods(&node, None, None), 20);
    node.file("usr/lib/eni-bootstrap/50.toml", "[pods]\nmax = 11");
    assert_eq!(max_pods(&node, None, None), 11);
    node.file("etc/eni-bootstrap/60.toml", "[pods]\nmax = 12");
    assert_eq!(max_pods(&node, None, None), 12);
    node.file("run/eni-bootstrap/70.toml", "[pods]\nmax = 13");
    assert_eq!(max_pods(&node, None, None), 13);
    let config = node.file("by-name.toml", "[pods]\nmax = 15");
    let node = node.with("--config", config.to_str().unwrap());
    assert_eq!(max_pods(&node, None, None), 15);
    assert_eq!(max_pods(&node, Some("16"), None), 16);
    assert_eq!(max_pods(&node, Some("16"), Some("17")), 17);
}

#[test]
fn settings_files_are_merged_by_file_name_across_directories() {
    let imds = Imds::start(&Instance::default());
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    node.file("usr/lib/eni-bootstrap/50.toml", "[pods]\nmax = 11");
    node.file("etc/eni-bootstrap/10.toml", "[pods]\nmax = 12");
    node.file("run/eni-bootstrap/20.toml", "[pods]\nmax = 13");
    assert_eq!(max_pods(&node, None, None), 11, "50.toml is read last");
    node.file("etc/eni-bootstrap/50.toml", "[pods]\nextra = 1");
    assert_eq!(max_pods(&node, None, None), 13, "/etc replaces the file in /usr/lib as a whole");
    node.file("run/eni-bootstrap/50.toml", "[pods]\nmax = 14");
    assert_eq!(max_pods(&node, None, None), 14, "/run replaces the file in /etc");
}

#[test]
fn an_empty_file_or_a_link_to_dev_null_masks_a_settings_file() {
    let imds = Imds::start(&Instance::default());
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    node.file("usr/lib/eni-bootstrap/50.toml", "[pods]\nmax = 11");
    assert_eq!(max_pods(&node, None, None), 11);
    let mask = node.file("etc/eni-bootstrap/50.toml", "");
    assert_eq!(max_pods(&node, None, None), 20);
    std::fs::remove_file(&mask).unwrap();
    std::os::unix::fs::symlink("/dev/null", &mask).unwrap();
    assert_eq!(max_pods(&node, None, None), 20);
}

#[test]
fn the_shipped_defaults_do_not_override_a_file_with_a_lower_number() {
    let imds = Imds::start(&Instance::default());
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    let shipped = include_str!("../../packaging/50-defaults.toml");
    node.file("usr/lib/eni-bootstrap/50-defaults.toml", shipped);
    node.file("etc/eni-bootstrap/10-site.toml", "[pods]\nmax = 12");
    assert_eq!(max_pods(&node, None, None), 12);
}

/// Returns the flags of `command` that take a value, with their variables.
fn flags_with_values(command: &clap::Command) -> Vec<(String, Option<String>)> {
    let takes_value = |argument: &&clap::Arg| argument.get_action().takes_values();
    let flags = command.get_arguments().filter(takes_value).filter_map(|argument| {
        let variable = argument.get_env().map(|name| name.to_str().unwrap().to_owned());
        Some((format!("--{}", argument.get_long()?), variable))
    });
    flags.collect()
}

#[test]
fn an_empty_variable_or_flag_counts_as_absent() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let plan = ["plan", "--output", "json"];
    let expected = node.run(plan);
    assert_eq!(expected.status, Some(0), "{}", expected.stderr);
    let mut program = eni_bootstrap::cli::command_line();
    program.build();
    let mut flags = flags_with_values(&program);
    flags.extend(flags_with_values(program.find_subcommand("run").unwrap()));
    assert!(flags.len() > 30, "{flags:?}");
    let mut variables = node.command(plan);
    variables.env("https_proxy", "").env("no_proxy", "");
    variables.envs(flags.iter().filter_map(|(_, variable)| Some((variable.as_ref()?, ""))));
    let output = crate::support::node::run_output(variables.output().unwrap());
    assert_eq!(
        (output.status, output.stdout),
        (Some(0), expected.stdout.clone()),
        "{}",
        output.stderr
    );
    let joined = flags.iter().map(|(flag, _)| format!("{flag}="));
    let output = node.run(plan.map(str::to_owned).into_iter().chain(joined));
    assert_eq!(
        (output.status, output.stdout),
        (Some(0), expected.stdout.clone()),
        "{}",
        output.stderr
    );
    let separate = ["--cluster-name", "", "--host", "", "-o", "", "--labels", "", "--root", ""];
    let output = node.run(plan.into_iter().chain(separate));
    assert_eq!((output.status, output.stdout), (Some(0), expected.stdout), "{}", output.stderr);
}

#[test]
fn an_empty_flag_leaves_the_variable_in_force_and_an_empty_variable_the_file() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    node.file("etc/eni-bootstrap/90.toml", "[pods]\nmax = 17\n");
    let max_pods = |variable: &str| {
        let mut command = node.command(["plan", "--output", "json", "--pods-max", ""]);
        command.env("ENI_BOOTSTRAP_PODS_MAX", variable);
        let output = crate::support::node::run_output(command.output().unwrap());
        let plan: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        plan["capacity"]["max_pods"].as_u64()
    };
    assert_eq!(max_pods(""), Some(17));
    assert_eq!(max_pods("12"), Some(12));
}

#[test]
fn an_empty_region_or_proxy_of_the_environment_counts_as_absent() {
    let mut command = Node::empty().command(["max-pods", "--instance-type", "m5.large"]);
    command.env("AWS_REGION", "").env("HTTPS_PROXY", "").env("https_proxy", "http://127.0.0.1:1");
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), "29\n"), "{}", output.stderr);
    // Without HTTPS_PROXY, https_proxy is in force.
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let mut command = node.command(["plan"]);
    command.env("HTTPS_PROXY", "").env("https_proxy", "not a proxy");
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(output.status, Some(64), "{}", output.stderr);
}
