//! The files that contain the existing values of the kubelet's command line.

use super::{ConfigLocation, ExistingConfig, flags};

/// Sets the location of values on the kubelet's command line to the file that contains them.
/// `sources` are the names and texts of the files, the lowest precedence first.
pub(super) fn locate(existing: &mut ExistingConfig, sources: &[(String, String)]) {
    let unquoted = |text: &str| text.replace(['"', '\'', '\\'], "");
    let sources: Vec<(&str, String)> =
        sources.iter().map(|(name, text)| (name.as_str(), unquoted(text))).collect();
    let last = |contains: &dyn Fn(&str) -> bool| {
        let mut later = sources.iter().rev();
        later.find(|(_, text)| contains(text)).map(|(name, _)| (*name).to_owned())
    };
    for label in &mut existing.node_labels {
        let text = format!("{}={}", label.key, label.value);
        let contains = |source: &str| {
            source.contains(&text) || (label.value.is_empty() && source.contains(&label.key))
        };
        let source = last(&contains);
        set(&mut label.location, source);
    }
    let is_late = |location: &ConfigLocation| *location == ConfigLocation::LateArguments;
    for max_pods in existing.max_pods.iter_mut().filter(|it| is_late(&it.location)) {
        let value = max_pods.max_pods.to_string();
        let source = last(&|source| {
            let words: Vec<String> = source.split_whitespace().map(str::to_owned).collect();
            flags::values(&words, "--max-pods").contains(&value.as_str())
        });
        set(&mut max_pods.location, source);
    }
    for resources in existing.resources.iter_mut().filter(|it| is_late(&it.location)) {
        let (flag, separator) = resources.map.flag();
        let pairs = resources.quantities.iter();
        let texts = pairs.map(|(key, value)| format!("{key}{separator}{value}"));
        let source =
            last(&|source| source.contains(flag) && texts.clone().all(|it| source.contains(&it)));
        set(&mut resources.location, source);
    }
}

/// Sets the location to `source` if it is the kubelet's command line.
fn set(location: &mut ConfigLocation, source: Option<String>) {
    match (&location, source) {
        (ConfigLocation::Arguments, Some(source)) => {
            *location = ConfigLocation::ArgumentsIn(source);
        }
        (ConfigLocation::LateArguments, Some(source)) => {
            *location = ConfigLocation::LateArgumentsIn(source);
        }
        _ => {}
    }
}
