use super::*;

fn of(texts: &[&str]) -> Result<String, UnitError> {
    let command = exec_start(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())?;
    Ok(command.words.join(" "))
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
fn different_line_end_characters_are_one_line_end() {
    for end in ["\n", "\r", "\0", "\r\n", "\n\r", "\n\0", "\r\n\0"] {
        let text = format!("[Service]\nExecStart=/usr/bin/kubelet \\{end}--v=2\n");
        assert_eq!(of(&[&text]).unwrap(), "/usr/bin/kubelet --v=2", "{end:?}");
    }
    for ends in ["\n\n", "\r\r", "\0\n", "\0\0", "\n\r\n"] {
        let text = format!("[Service]\nExecStart=/usr/bin/kubelet \\{ends}--v=2\n");
        assert_eq!(of(&[&text]).unwrap(), "/usr/bin/kubelet", "{ends:?}");
    }
}

#[test]
fn the_first_byte_order_mark_at_the_start_of_a_line_is_ignored() {
    let bom = '\u{feff}';
    assert_eq!(of(&[&format!("{bom}[Service]\nExecStart=/a\n")]).unwrap(), "/a");
    assert_eq!(of(&[&format!("[Service]\n{bom}ExecStart=/a\n")]).unwrap(), "/a");
    let second = format!("{bom}[Service]\nExecStart=/a\n{bom}ExecStart=/b\n");
    assert_eq!(of(&[&second]).unwrap(), "/a");
}

#[test]
fn a_hidden_drop_in_is_ignored() {
    let mut image = Image::default();
    for name in ["10-site.conf", ".20-site.conf", "30-site.conf.bak"] {
        image.insert_file(format!("/etc/systemd/system/a.service.d/{name}"), name);
    }
    let path = PathBuf::from("/etc/systemd/system/a.service.d/10-site.conf");
    assert_eq!(drop_ins(&image, "a.service"), [(path, "10-site.conf".to_owned())]);
}

#[test]
fn a_later_drop_in_replaces_the_command() {
    let drop_in = "[Service]\nExecStart=\nExecStart = /opt/kubelet $MORE\n";
    assert_eq!(of(&[AL2, drop_in]).unwrap(), "/opt/kubelet $MORE");
}

#[test]
fn systemd_ignores_the_rest_of_a_drop_in_after_a_bad_section_header() {
    for header in ["[Serv", "[Service] # of the site", "[\"Service\"]", "[Ser\\vice]"] {
        let drop_in = format!(
            "[Service]\nExecStart=\nExecStart=/opt/first $MORE\n{header}\n[Service]\nExecStart=\nExecStart=/opt/second\n"
        );
        let last = "[Service]\nNice=1\n";
        assert_eq!(of(&[AL2, &drop_in, last]).unwrap(), "/opt/first $MORE", "{header}");
    }
    // A section that systemd does not know is ignored alone.
    let drop_in = "[X-Site]\nExecStart=/opt/first\n[Service]\nExecStart=\nExecStart=/opt/second\n";
    assert_eq!(of(&[AL2, drop_in]).unwrap(), "/opt/second");
}

#[test]
fn only_effective_assignments_count_and_no_comment() {
    let texts = |drop_in: &str| [AL2.to_owned(), drop_in.to_owned()];
    let begins = "/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json \
                  --kubeconfig /var/lib/kubelet/kubeconfig";
    for (drop_in, expected) in [
        ("# --max-pods=17 was too low", "$KUBELET_ARGS $KUBELET_EXTRA_ARGS"),
        (
            "[Service]\nEnvironment='KUBELET_EXTRA_ARGS=--v=2 --x' \"KUBELET_ARGS=--a\"",
            "--a --v=2 --x",
        ),
        (
            "[Service]\nEnvironment=KUBELET_ARGS=--a\nEnvironment=\nEnvironment=KUBELET_EXTRA_ARGS=--b",
            "$KUBELET_ARGS --b",
        ),
        (
            "[Service]\nEnvironment=KUBELET_ARGS=--a 'KUBELET_EXTRA_ARGS=--b",
            "--a $KUBELET_EXTRA_ARGS",
        ),
        (
            "[Service]\nEnvironmentFile=-/etc/default/kubelet\nEnvironment=KUBELET_ARGS=--a",
            "--of-file --v=4",
        ),
    ] {
        let file =
            "# KUBELET_ARGS=--comment\nKUBELET_ARGS=--of-file\nKUBELET_EXTRA_ARGS=\"--v=4\"\n";
        let files = [("/etc/default/kubelet".into(), file.to_owned())];
        assert_eq!(arguments(&texts(drop_in), &files), format!("{begins} {expected}"));
    }
    let cleared =
        "[Service]\nEnvironment=UNUSED=--u X=x\nExecStart=\nExecStart=/opt/it ${X}y $X $XY\n";
    assert_eq!(arguments(&texts(cleared), &[]), "--u /opt/it xy x $XY");
    let unclosed = "[Service]\nEnvironment=\"UNUSED=it's\"\nExecStart=/opt/it --a\n";
    assert_eq!(arguments(&[unclosed.to_owned()], &[]), "it\\'s /opt/it --a");
    assert_eq!(arguments(&[], &[]), "");
}

#[test]
fn a_unit_without_exactly_one_command_is_rejected() {
    assert_eq!(of(&["[Service]\nRestart=always\n"]), Err(UnitError::NoExecStart));
    assert_eq!(of(&[AL2, "[Service]\nExecStart=\n"]), Err(UnitError::NoExecStart));
    assert_eq!(
        of(&["[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n"]),
        Err(UnitError::ManyExecStarts(2))
    );
}
