use super::*;
use crate::domain::kubelet::NeededFlags;
use crate::domain::label::Labels;
use crate::domain::reserved::{ReserveOverrides, Reserved};

fn kubelet(max_pods: u32) -> Kubelet {
    let mut node_labels = Labels::default();
    node_labels.insert("a".parse().unwrap(), "1".parse().unwrap());
    let kube_reserved = Reserved::compute(2, max_pods, &ReserveOverrides::default());
    Kubelet { max_pods, kube_reserved, node_labels, needed_flags: NeededFlags::default() }
}

fn rendered(text: &str, max_pods: u32) -> Result<String, Unquotable> {
    let file = ExtraArguments::read(FILES[0].into(), text, "")?;
    let changes = Kubeadm { file, directory: None }.render(&kubelet(max_pods));
    let [Change::SharedFile { contents, .. }] = &changes[..] else { panic!("{changes:?}") };
    Ok(contents.clone())
}

const ARGUMENTS: &str =
    "--max-pods=20 --kube-reserved=cpu=70m,ephemeral-storage=1Gi,memory=475Mi --node-labels=a=1";

#[test]
fn existing_contents_are_kept_and_new_arguments_come_last() {
    let block = |value: &str| {
        format!(
            "{BEGIN}# Edits to this block are overwritten. To change a setting, edit /etc/eni-bootstrap/*.toml.\nKUBELET_EXTRA_ARGS={value}\n{END}"
        )
    };
    assert_eq!(rendered("", 20), Ok(block(&format!("\"{ARGUMENTS}\""))));
    for (line, value) in [
        ("KUBELET_EXTRA_ARGS=", format!("\"{ARGUMENTS}\"")),
        ("KUBELET_EXTRA_ARGS=--v=2", format!("\"--v=2 {ARGUMENTS}\"")),
        ("KUBELET_EXTRA_ARGS=\"--v=2 --x\"", format!("\"--v=2 --x {ARGUMENTS}\"")),
        ("KUBELET_EXTRA_ARGS='--x=\"y\"'", format!("'--x=\"y\" {ARGUMENTS}'")),
    ] {
        let text = format!("# site\n{line}\nOTHER=1\n");
        assert_eq!(rendered(&text, 20), Ok(text + &block(&value)), "{line}");
    }
    assert_eq!(
        rendered("OTHER=1", 20),
        Ok("OTHER=1\n".to_owned() + &block(&format!("\"{ARGUMENTS}\"")))
    );
}

#[test]
fn the_next_run_replaces_the_block_and_removal_restores_the_file() {
    let original = "KUBELET_EXTRA_ARGS=\"--v=2\"\n";
    let first = rendered(original, 20).unwrap();
    assert_eq!(rendered(&first, 20), Ok(first.clone()));
    let second = rendered(&first, 58).unwrap();
    assert!(second.contains("--v=2 --max-pods=58 ") && !second.contains("--max-pods=20"));
    assert_eq!(without_block(&second), original);
    let cut = first.split(END).next().unwrap();
    assert_eq!(without_block(cut), original, "a block without an end");
}

#[test]
fn a_block_of_version_0_1_0_is_replaced() {
    let original = "KUBELET_EXTRA_ARGS=\"--v=2\"\n";
    let old = format!(
        "{original}# eni-bootstrap begins: written before the kubelet starts, and again at every boot.\n# Settings belong in /etc/eni-bootstrap/*.toml; a change made here is lost.\nKUBELET_EXTRA_ARGS=\"--v=2 --max-pods=20\"\n# eni-bootstrap ends\n"
    );
    assert_eq!(without_block(&old), original);
    assert_eq!(rendered(&old, 20), rendered(original, 20));
    // After a downgrade and an upgrade, the file has a block of each version.
    let both = rendered(original, 58).unwrap() + &old[original.len()..];
    assert_eq!(without_block(&both), original);
}

#[test]
fn a_value_with_unusual_quotes_is_rejected() {
    for line in ["A\\\"B", "\"open", "\"a\" \"b\"", "a\"b"] {
        let error = rendered(&format!("KUBELET_EXTRA_ARGS={line}\n"), 20).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unbalanced quotes in the value of KUBELET_EXTRA_ARGS in /etc/default/kubelet",
            "{line}"
        );
    }
}

#[test]
fn an_inherited_value_is_quoted_so_that_systemd_reads_it_again() {
    for (value, line) in [
        ("--v=3 --node-labels=team=blue", "\"--v=3 --node-labels=team=blue\""),
        ("--x=\"y\"", "'--x=\"y\"'"),
        ("--x='y'", "\"--x='y'\""),
        ("--x=\"y'\\", "\"--x=\\\"y'\\\\\""),
    ] {
        let (quoted, quote) = quoted(value);
        let written = format!("{quote}{quoted}{quote}");
        assert_eq!(written, line);
        let read = environment_file(&format!("{VARIABLE}={written}\n"));
        assert_eq!(read, [(VARIABLE.to_owned(), value.to_owned())]);
    }
}

#[test]
fn the_value_of_environment_is_kept_in_front_of_the_new_arguments() {
    let mut image = Image::default();
    image.insert_file(
        "/lib/systemd/system/kubelet.service",
        "[Service]\nEnvironment=KUBELET_EXTRA_ARGS=--v=1\nEnvironmentFile=-/etc/default/kubelet\nExecStart=/usr/bin/kubelet $KUBELET_EXTRA_ARGS\n",
    );
    let changes = |image: &Image| {
        let Detection::This { renderer, .. } = Family.detect(image) else { panic!("not kubeadm") };
        let changes = renderer.render(&kubelet(20));
        let [Change::SharedFile { contents, .. }] = &changes[..] else { panic!("{changes:?}") };
        contents.clone()
    };
    let line = |value: &str| format!("\nKUBELET_EXTRA_ARGS=\"{value} {ARGUMENTS}\"\n");
    assert!(changes(&image).contains(&line("--v=1")));
    // The last assignment takes precedence, and one in the file over `Environment=`.
    let drop_in = "[Service]\nEnvironment=\"KUBELET_EXTRA_ARGS=--v=2 --x\"\n";
    image.insert_file("/etc/systemd/system/kubelet.service.d/20-site.conf", drop_in);
    assert!(changes(&image).contains(&line("--v=2 --x")));
    let block = changes(&image);
    image.insert_file(FILES[0], block.clone());
    assert_eq!(changes(&image), block, "the second run");
    image.insert_file(FILES[0], "KUBELET_EXTRA_ARGS=--v=3\n");
    assert!(changes(&image).contains(&line("--v=3")));
    // A later file takes precedence over the file of kubeadm.
    let drop_in = "[Service]\nEnvironmentFile=/etc/site.env\n";
    image.insert_file("/etc/systemd/system/kubelet.service.d/30-site.conf", drop_in);
    image.insert_file("/etc/site.env", "KUBELET_EXTRA_ARGS=--v=4\n");
    let Detection::NotThis(reason) = Family.detect(&image) else { panic!("kubeadm") };
    assert_eq!(
        reason,
        "a kubelet.service that reads $KUBELET_EXTRA_ARGS from /etc/site.env after /etc/default/kubelet"
    );
}

#[test]
fn a_file_that_systemd_would_ignore_or_extend_is_rejected() {
    for bytes in [
        &b"SITE=Gr\xfc\xdfe\n"[..],
        b"SITE=1\\",
        b"SITE=1\\\n",
        b"SITE=\"1\n",
        b"# note \\\nSITE=1\n",
    ] {
        let text = crate::host::file_text::decode(bytes);
        let error = rendered(&text, 20).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/etc/default/kubelet has an open quote, a backslash at the end of a comment or of the last line, or a value that is not UTF-8"
        );
        assert_eq!(
            error.help(),
            "close all quotes in /etc/default/kubelet, remove a backslash at the end of a comment or of the last line, and save the file as UTF-8"
        );
    }
}
