//! kubeadm's kubelet: `KUBELET_EXTRA_ARGS` in the file that its unit reads, last on the command line.
//! What stands in the file is kept; ours is a marked block at its end, replaced by the next run.
//!
//! Source: `10-kubeadm.conf`, kubernetes/release: `/etc/default/kubelet` in a deb,
//! `/etc/sysconfig/kubelet` in an rpm.

use crate::domain::kubelet::Kubelet;
use crate::host::Change;
use std::path::PathBuf;

/// The variable, which stands last in kubeadm's `ExecStart`.
pub(super) const VARIABLE: &str = "KUBELET_EXTRA_ARGS";
/// The files that kubeadm's unit may read it from.
pub const FILES: [&str; 2] = ["/etc/default/kubelet", "/etc/sysconfig/kubelet"];
const BEGIN: &str =
    "# eni-bootstrap begins: written before the kubelet starts, and again at every boot.\n";
const END: &str = "# eni-bootstrap ends\n";

/// The file that the kubelet's unit reads its extra arguments from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraArguments {
    path: PathBuf,
    /// Without our block.
    text: String,
    /// Their value of the variable, and the quote around it.
    value: (String, char),
}

/// The arguments in the file cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE} in {} is quoted in a way that nothing can be added to", path.display())]
pub struct Unquotable {
    /// The file.
    pub path: PathBuf,
}

impl ExtraArguments {
    /// The file at `path` as it stands, our block in it or not.
    pub fn read(path: PathBuf, text: &str) -> Result<Self, Unquotable> {
        let text = without_block(text);
        let assigned = |line: &str| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == VARIABLE).then(|| value.trim().to_owned())
        };
        let value = text.lines().rev().find_map(assigned).unwrap_or_default();
        match unquoted(&value) {
            Some(value) => Ok(Self { path, text, value }),
            None => Err(Unquotable { path }),
        }
    }
}

/// The text inside of a value's quotes and the quote that can stand around it; `None` where there is
/// more to it than one pair of quotes.
fn unquoted(value: &str) -> Option<(String, char)> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            let inner = rest.strip_suffix(quote)?;
            return (!inner.contains([quote, '\\'])).then(|| (inner.to_owned(), quote));
        }
    }
    (!value.contains(['"', '\'', '\\'])).then(|| (value.to_owned(), '"'))
}

/// The file with our block at its end: their value with our arguments after it, where they win.
#[must_use]
pub fn render(kubelet: &Kubelet, file: &ExtraArguments) -> Vec<Change> {
    let ExtraArguments { path, text, value: (theirs, quote) } = file;
    let ours = kubelet.arguments().join(" ");
    let space = if theirs.is_empty() { "" } else { " " };
    let mut contents = text.clone();
    if !contents.is_empty() && !contents.ends_with('\n') {
        contents.push('\n');
    }
    contents.extend([
        BEGIN,
        "# Settings belong in /etc/eni-bootstrap/*.toml; a change made here is lost.\n",
        &format!("{VARIABLE}={quote}{theirs}{space}{ours}{quote}\n"),
        END,
    ]);
    vec![Change::File { path: path.clone(), contents }]
}

/// The text without our block; a block that a killed run left open ends with the text.
#[must_use]
pub fn without_block(text: &str) -> String {
    let Some((before, rest)) = text.split_once(BEGIN) else { return text.to_owned() };
    let after = rest.split_once(END).map_or("", |(_, after)| after);
    before.to_owned() + after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::label::Labels;
    use crate::domain::reserved::{ReserveOverrides, Reserved};

    fn kubelet(max_pods: u32) -> Kubelet {
        let mut node_labels = Labels::default();
        node_labels.insert("a".parse().unwrap(), "1".parse().unwrap());
        let kube_reserved = Reserved::of(2, max_pods, &ReserveOverrides::default());
        Kubelet { max_pods, kube_reserved, node_labels, beats_flags: false }
    }

    fn rendered(text: &str, max_pods: u32) -> Result<String, Unquotable> {
        let file = ExtraArguments::read(FILES[0].into(), text)?;
        let changes = render(&kubelet(max_pods), &file);
        let [Change::File { contents, .. }] = &changes[..] else { panic!("{changes:?}") };
        Ok(contents.clone())
    }

    const OURS: &str = "--max-pods=20 --kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi --node-labels=a=1";

    #[test]
    fn what_stands_there_is_kept_and_ours_comes_last() {
        let block = |value: &str| {
            format!(
                "{BEGIN}# Settings belong in /etc/eni-bootstrap/*.toml; a change made here is lost.\nKUBELET_EXTRA_ARGS={value}\n{END}"
            )
        };
        assert_eq!(rendered("", 20), Ok(block(&format!("\"{OURS}\""))));
        for (line, value) in [
            ("KUBELET_EXTRA_ARGS=", format!("\"{OURS}\"")),
            ("KUBELET_EXTRA_ARGS=--v=2", format!("\"--v=2 {OURS}\"")),
            ("KUBELET_EXTRA_ARGS=\"--v=2 --x\"", format!("\"--v=2 --x {OURS}\"")),
            ("KUBELET_EXTRA_ARGS='--x=\"y\"'", format!("'--x=\"y\" {OURS}'")),
        ] {
            let text = format!("# site\n{line}\nOTHER=1\n");
            assert_eq!(rendered(&text, 20), Ok(text + &block(&value)), "{line}");
        }
        assert_eq!(
            rendered("OTHER=1", 20),
            Ok("OTHER=1\n".to_owned() + &block(&format!("\"{OURS}\"")))
        );
    }

    #[test]
    fn the_next_run_replaces_the_block_and_without_it_the_file_is_as_it_was() {
        let theirs = "KUBELET_EXTRA_ARGS=\"--v=2\"\n";
        let first = rendered(theirs, 20).unwrap();
        assert_eq!(rendered(&first, 20), Ok(first.clone()));
        let second = rendered(&first, 58).unwrap();
        assert!(second.contains("--v=2 --max-pods=58 ") && !second.contains("--max-pods=20"));
        assert_eq!(without_block(&second), theirs);
        let cut = first.split(END).next().unwrap();
        assert_eq!(without_block(cut), theirs, "a block left open");
    }

    #[test]
    fn a_value_that_nothing_can_be_added_to_is_refused() {
        for line in ["A\\\"B", "\"open", "\"a\" \"b\"", "a\"b"] {
            let refused = rendered(&format!("KUBELET_EXTRA_ARGS={line}\n"), 20).unwrap_err();
            assert_eq!(
                refused.to_string(),
                "KUBELET_EXTRA_ARGS in /etc/default/kubelet is quoted in a way that nothing can be added to",
                "{line}"
            );
        }
    }
}
