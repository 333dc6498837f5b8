//! Ubuntu's EKS images, whose kubelet is the snap `kubelet-eks`: its arguments are one setting of the
//! snap's. What stands in it is kept, and ours come last, where they win.
//!
//! Source: `/etc/eks/bootstrap.sh` of those images, which sets it from `--kubelet-extra-args`.

use crate::domain::kubelet::Kubelet;
use crate::host::Change;

/// The unit that snapd makes for it.
pub const UNIT: &str = "snap.kubelet-eks.daemon.service";

/// The setting with our arguments at its end.
#[must_use]
pub fn render(kubelet: &Kubelet, current: &str) -> Vec<Change> {
    let theirs = without_ours(current);
    let space = if theirs.is_empty() { "" } else { " " };
    let arguments = format!("{theirs}{space}{}", kubelet.arguments().join(" "));
    vec![Change::SnapArguments { current: current.to_owned(), arguments }]
}

/// The setting without what an earlier run put at its end: our arguments, in our order.
#[must_use]
pub fn without_ours(current: &str) -> String {
    let words: Vec<&str> = current.split_whitespace().collect();
    let ours = Kubelet::ARGUMENTS;
    let begin = words.len().saturating_sub(ours.len());
    let is_ours = words.len() >= ours.len()
        && words[begin..].iter().zip(ours).all(|(word, flag)| word.starts_with(flag));
    if is_ours { words[..begin].join(" ") } else { current.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_the_last_three_in_their_order() {
        let ours = "--max-pods=20 --kube-reserved=cpu=70m --node-labels=a=1";
        for (current, expected) in [
            ("", ""),
            ("--v=2", "--v=2"),
            (ours, ""),
            (&format!("--v=2 --node-labels=b=2 {ours}"), "--v=2 --node-labels=b=2"),
            (&format!("{ours} --v=2"), &format!("{ours} --v=2")),
            ("--max-pods=8 --node-labels=a=1", "--max-pods=8 --node-labels=a=1"),
        ] {
            assert_eq!(without_ours(current), expected, "{current}");
        }
    }
}
