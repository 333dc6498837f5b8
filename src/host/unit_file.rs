//! The one thing we need from a systemd unit: the command that it starts.
//!
//! Source: systemd.syntax(7) and systemd.service(5): an empty `ExecStart=` clears what came before,
//! a line that ends in a backslash goes on in the next.

/// Why no command can be taken from a unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// None.
    #[error("it has no ExecStart")]
    NoExecStart,
    /// Several, so "our arguments last" has no meaning.
    #[error("it has {0} ExecStart lines")]
    ManyExecStarts(usize),
}

/// The `ExecStart` in force after `texts`: a unit and its drop-ins, in systemd's order.
pub fn exec_start(texts: &[String]) -> Result<String, UnitError> {
    let mut commands: Vec<String> = Vec::new();
    for text in texts {
        let mut section = String::new();
        for line in logical_lines(text) {
            if line.starts_with('[') {
                section.clone_from(&line);
            } else if section == "[Service]"
                && let Some((key, value)) = line.split_once('=')
                && key.trim_end() == "ExecStart"
            {
                match value.trim() {
                    "" => commands.clear(),
                    command => commands.push(command.to_owned()),
                }
            }
        }
    }
    match commands.len() {
        0 => Err(UnitError::NoExecStart),
        1 => Ok(commands.remove(0)),
        many => Err(UnitError::ManyExecStarts(many)),
    }
}

/// The lines without comments and empty ones, continued lines joined by one space.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = String::new();
    for line in text.lines().map(str::trim) {
        // A comment inside a continued line is passed over, as systemd does.
        if line.starts_with(['#', ';']) || (line.is_empty() && pending.is_empty()) {
            continue;
        }
        if let Some(begun) = line.strip_suffix('\\') {
            pending.push_str(begun.trim_end());
            pending.push(' ');
        } else {
            pending.push_str(line);
            lines.push(std::mem::take(&mut pending));
        }
    }
    if !pending.is_empty() {
        lines.push(pending.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Result<String, UnitError> {
        exec_start(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    const AL2: &str = "[Unit]
ExecStart=not here
[Service]
# ExecStart=/nor/here
ExecStartPre=/sbin/iptables -P FORWARD ACCEPT -w 5
ExecStart=/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json \\
    --kubeconfig /var/lib/kubelet/kubeconfig \\
    $KUBELET_ARGS $KUBELET_EXTRA_ARGS

Restart=on-failure
";

    #[test]
    fn a_continued_command_is_one_line() {
        assert_eq!(
            of(&[AL2]).unwrap(),
            "/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json \
             --kubeconfig /var/lib/kubelet/kubeconfig $KUBELET_ARGS $KUBELET_EXTRA_ARGS"
        );
    }

    #[test]
    fn a_later_drop_in_replaces_the_command() {
        let drop_in = "[Service]\nExecStart=\nExecStart = /opt/kubelet $MORE\n";
        assert_eq!(of(&[AL2, drop_in]).unwrap(), "/opt/kubelet $MORE");
    }

    #[test]
    fn a_unit_without_one_command_is_refused() {
        assert_eq!(of(&["[Service]\nRestart=always\n"]), Err(UnitError::NoExecStart));
        assert_eq!(of(&[AL2, "[Service]\nExecStart=\n"]), Err(UnitError::NoExecStart));
        assert_eq!(
            of(&["[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n"]),
            Err(UnitError::ManyExecStarts(2))
        );
    }
}
