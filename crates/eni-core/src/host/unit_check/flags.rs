//! Kubelet flags on the command line that systemd executes.

use crate::host::loaded_unit::Argument;
use std::collections::BTreeMap;

/// Returns a kubelet argument. The key of a flag with a single value is empty.
pub(super) fn argument(flag: &str, key: &str, value: &str) -> String {
    match key {
        "" => format!("{flag}={value}"),
        _ => format!("{flag}={key}={value}"),
    }
}

/// Returns the effective values of a kubelet flag by key, with the argument that sets each of them.
///
/// Source: `NewKubeletCommand` in `cmd/kubelet/app/server.go`, kubernetes/kubernetes: an underscore
/// in the name of a flag counts as a dash. Repeated `--node-labels` and `--kube-reserved` are merged
/// by key (`ConfigurationMap` and `MapStringString` in k8s.io/component-base/cli/flag). Of all other
/// flags, the last one counts.
pub(super) fn effective_values<'a>(
    arguments: &'a [Argument],
    flag: &str,
) -> BTreeMap<&'a str, (&'a str, &'a Argument)> {
    let mut values = BTreeMap::new();
    let mut rest = arguments.iter().take_while(|argument| argument.text != "--");
    while let Some(argument) = rest.next() {
        let (name, value) = match argument.text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument.text.as_str(), None),
        };
        if name.replace('_', "-") != flag {
            continue;
        }
        let value = value.or_else(|| rest.next().map(|next| next.text.as_str()));
        let pairs = pairs(flag, value.unwrap_or_default());
        values.extend(pairs.into_iter().map(|(key, value)| (key, (value, argument))));
    }
    values
}

/// Returns the keys and values of a flag. The key of a flag with a single value is empty.
pub(super) fn pairs<'a>(flag: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    if !["--node-labels", "--kube-reserved"].contains(&flag) {
        return vec![("", value.trim())];
    }
    let parts = value.split(',').filter(|part| !part.trim().is_empty());
    let pairs = parts.map(|part| match part.split_once('=') {
        Some((key, value)) => (key.trim(), value.trim()),
        None => (part.trim(), ""),
    });
    pairs.collect()
}
