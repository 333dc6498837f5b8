use super::*;
use crate::domain::kubelet::NeededFlags;
use crate::domain::label::Labels;
use crate::domain::reserved::ReserveOverrides;

const DIRECTORY: &str = "/etc/kubernetes/kubelet.conf.d";
const OWN: &str = "/etc/kubernetes/kubelet.conf.d/zz-eni-bootstrap.conf";

fn kubelet(needed_flags: NeededFlags) -> Kubelet {
    let kube_reserved = Reserved::compute(2, 20, &ReserveOverrides::default());
    Kubelet { max_pods: 20, kube_reserved, node_labels: Labels::default(), needed_flags }
}

fn directory() -> ConfigDirectory {
    ConfigDirectory { path: DIRECTORY.into(), is_added: false }
}

/// Returns the values that the kubelet would read instead of the planned ones, with `files` beside the
/// drop-in of eni-bootstrap.
fn wrong_value(needed_flags: NeededFlags, files: &[(&str, &str)]) -> Option<String> {
    let kubelet = kubelet(needed_flags);
    let Change::OwnedFile { path, contents } = directory().change(&kubelet) else { panic!() };
    let others = files.iter().map(|(name, text)| (path.with_file_name(name), (*text).to_owned()));
    let mut files: Vec<(PathBuf, String)> = others.collect();
    files.push((path, contents));
    files.sort();
    let wrong = directory().check(&kubelet).wrong_value(&files)?;
    let effective = wrong.effective.unwrap_or_else(|| "nothing".to_owned());
    Some(format!("{effective} instead of {} in {}", wrong.planned, wrong.file.display()))
}

#[test]
fn a_version_has_a_prefix_and_two_numbers() {
    for (output, expected) in [
        ("Kubernetes v1.34.4-eks-3025e55\n", Some((1, 34))),
        ("Kubernetes v1.30.0", Some((1, 30))),
        ("Kubernetes v2.0", Some((2, 0))),
        ("Kubernetes v1", None),
        ("Kubernetes v1.x.0", None),
        ("v1.34.4", None),
        ("", None),
    ] {
        assert_eq!(version(output), expected, "{output}");
    }
}

#[test]
fn files_before_the_drop_in_and_other_values_of_later_files_do_not_matter() {
    let none = NeededFlags::default();
    assert_eq!(wrong_value(none, &[]), None);
    let site = "maxPods: 58\nkubeReserved:\n  cpu: 1\n  pid: '1000'\n";
    assert_eq!(wrong_value(none, &[("10-site.conf", site)]), None);
    let later = "maxPods: 20\nkubeReserved:\n  pid: '1000'\nevictionHard: {}\n";
    assert_eq!(wrong_value(none, &[("zzz.conf", later), ("zzzz.conf", "")]), None);
}

#[test]
fn a_later_value_or_its_removal_is_named_with_its_file() {
    let none = NeededFlags::default();
    let file = "/etc/kubernetes/kubelet.conf.d/zzz.conf";
    for (text, expected) in [
        ("maxPods: 58", "maxPods: 58 instead of maxPods: 20"),
        ("maxPods: null", "nothing instead of maxPods: 20"),
        ("kubeReserved: {cpu: 1}", "kubeReserved.cpu: 1 instead of kubeReserved.cpu: 70m"),
        ("kubeReserved: {memory: null}", "nothing instead of kubeReserved.memory: 475Mi"),
        ("kubeReserved: null", "nothing instead of kubeReserved.cpu: 70m"),
        ("kubeReserved: []", "nothing instead of kubeReserved.cpu: 70m"),
        ("maxPods: 58\n---\nmaxPods: 20", "maxPods: 58 instead of maxPods: 20"),
        ("maxpods: 58", "maxpods: 58 instead of maxPods: 20"),
        ("KubeReserved: {cpu: 1}", "KubeReserved: {\"cpu\":1} instead of kubeReserved.cpu: 70m"),
        ("{", "nothing instead of maxPods: 20"),
    ] {
        let files = [("zzz.conf", text), ("zzzz.conf", "evictionHard: {}")];
        assert_eq!(wrong_value(none, &files), Some(format!("{expected} in {file}")), "{text}");
    }
    let check = directory().check(&kubelet(none));
    let missing = check.wrong_value(&[]).unwrap();
    assert_eq!((missing.effective, missing.file), (None, OWN.into()));
    assert_eq!(missing.planned, "maxPods: 20");
}

#[test]
fn a_value_that_a_flag_sets_is_not_compared() {
    let max_pods = NeededFlags { max_pods: true, kube_reserved: false };
    assert_eq!(wrong_value(max_pods, &[("zzz.conf", "maxPods: 58")]), None);
    let both = NeededFlags { max_pods: true, kube_reserved: true };
    assert_eq!(wrong_value(both, &[("zzz.conf", "kubeReserved: null")]), None);
    assert_eq!(wrong_value(both, &[("zzz.conf", "{")]), None);
    assert_eq!(wrong_value(max_pods, &[("10-site.conf", "maxpods: 58")]), None);
    assert_eq!(
        wrong_value(max_pods, &[("10-site.conf", "MaxPods: 58\nkubereserved: 1")]).unwrap(),
        "kubereserved: 1 instead of kubeReserved.cpu: 70m in /etc/kubernetes/kubelet.conf.d/10-site.conf"
    );
}

#[test]
fn only_a_kubelet_configuration_of_eni_bootstrap_is_its_file() {
    let mut image = Image::default();
    let Change::OwnedFile { contents, .. } = directory().change(&kubelet(NeededFlags::default()))
    else {
        panic!()
    };
    let unit = format!("{NOTICE}[Service]\n");
    for (path, text) in [
        (OWN, contents.as_str()),
        (ADDED_FILE, &contents),
        ("/etc/kubernetes/kubelet.conf.d/90-eni-bootstrap.conf", &contents),
        ("/opt/kubelet.d/zz-eni-bootstrap.conf", "kind: KubeletConfiguration\n"),
        ("/etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf", &unit),
    ] {
        image.insert_file(path, text);
    }
    assert_eq!(own_files(&image), [PathBuf::from(OWN)]);
    image.insert_file(OWN, "");
    image.insert_file("/etc/systemd/system/kubelet.service.d/zz-eni-bootstrap.conf", "");
    assert_eq!(own_files(&image), Vec::<PathBuf>::new(), "of an unknown directory");
    let kubelet = format!("[Service]\nExecStart=/usr/bin/kubelet --config-dir={DIRECTORY}\n");
    image.insert_file("/usr/lib/systemd/system/kubelet.service", kubelet);
    assert_eq!(own_files(&image), [PathBuf::from(OWN)]);
}
