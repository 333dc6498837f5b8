use super::*;

/// The output of systemd 252.39 (Debian 12) for a unit with two drop-ins.
const SYSTEMD_252: &str = r#"ExecStart={ path=/usr/bin/kubelet ; argv[]=/usr/bin/kubelet --config /etc/a b x\y $KUBELET_ARGS --x=${X} ; ignore_errors=yes ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
ExecStartEx={ path=/usr/bin/kubelet ; argv[]=/usr/bin/kubelet --config /etc/a b x\y $KUBELET_ARGS --x=${X} ; flags=ignore-failure ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
Environment="KUBELET_ARGS=--a --b" X=plain "Q=a\"b" "D=x \$y" "NL=a\nb"
EnvironmentFiles=/etc/default/kubelet (ignore_errors=yes)
EnvironmentFiles=/etc/c d.env (ignore_errors=no)
UnsetEnvironment=FOO
LoadState=loaded
FragmentPath=/etc/systemd/system/kubelet.service
DropInPaths=/etc/systemd/system/kubelet.service.d/90-a.conf "/etc/systemd/system/kubelet.service.d/91 b.conf"
NeedDaemonReload=no
"#;

/// The same unit in the format of systemd 219 (Amazon Linux 2).
const SYSTEMD_219: &str = r"ExecStart={ path=/usr/bin/kubelet ; argv[]=/usr/bin/kubelet --config /etc/a b x\y $KUBELET_ARGS --x=${X} ; ignore_errors=yes ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
Environment=KUBELET_ARGS=--a\x20--b X=plain Q=a\x22b D=x\x20$y NL=a\nb
EnvironmentFile=/etc/default/kubelet (ignore_errors=yes)
EnvironmentFile=/etc/c d.env (ignore_errors=no)
LoadState=loaded
FragmentPath=/etc/systemd/system/kubelet.service
DropInPaths=/etc/systemd/system/kubelet.service.d/90-a.conf /etc/systemd/system/kubelet.service.d/91\x20b.conf
NeedDaemonReload=yes
";

fn texts(arguments: &[Argument]) -> Vec<&str> {
    arguments.iter().map(|it| it.text.as_str()).collect()
}

#[test]
fn both_formats_of_systemctl_show_give_the_same_unit() {
    let new = LoadedUnit::parse(SYSTEMD_252).unwrap();
    let old = LoadedUnit::parse(SYSTEMD_219).unwrap();
    assert_eq!((new.needs_reload, old.needs_reload), (false, true));
    assert_eq!(LoadedUnit { needs_reload: false, unset: vec!["FOO".into()], ..old }, new);
    assert!(new.is_loaded);
    let directory = "/etc/systemd/system/kubelet.service";
    assert_eq!(
        new.files,
        [directory, &format!("{directory}.d/90-a.conf"), &format!("{directory}.d/91 b.conf")]
            .map(PathBuf::from)
    );
    assert_eq!(new.environment_files, ["/etc/default/kubelet", "/etc/c d.env"].map(PathBuf::from));
    assert_eq!(
        new.environment,
        [("KUBELET_ARGS", "--a --b"), ("X", "plain"), ("Q", "a\"b"), ("D", "x $y"), ("NL", "a\nb")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    let arguments = new.arguments(&new.commands[0], &[]);
    assert_eq!(texts(&arguments), ["--config", "/etc/a", "b", "x\\y", "--a", "--b", "--x=plain"]);
}

#[test]
fn a_variable_in_a_later_environment_file_takes_precedence() {
    let unit = LoadedUnit::parse(
        "LoadState=loaded\nExecStart={ path=/k ; argv[]=/k $A $B $$A a${A}b $C ${A} ; ignore_errors=no ; start_time=[n/a] }\nEnvironment=A=1 B=unit C=c\nEnvironmentFiles=/a (ignore_errors=no)\nEnvironmentFiles=/b (ignore_errors=yes)\nUnsetEnvironment=C\n",
    ).unwrap();
    let files = [
        (PathBuf::from("/a"), "A=\"'2 3' 4\"\n".to_owned()),
        (PathBuf::from("/b"), "B=5\n".to_owned()),
    ];
    let arguments = unit.arguments(&unit.commands[0], &files);
    assert_eq!(texts(&arguments), ["2 3", "4", "5", "$A", "a'2 3' 4b", "'2 3' 4"]);
    assert_eq!(arguments[2].variable.as_deref(), Some("B"));
    assert_eq!(unit.variable("B", &files).unwrap().file, Some(Path::new("/b")));
    assert_eq!(unit.variable("B", &files[..1]).unwrap().file, None);
}

#[test]
fn a_command_without_expansion_and_a_missing_unit_are_recognized() {
    let unit = LoadedUnit::parse(
        "LoadState=loaded\nExecStart={ path=/usr/bin/kubelet ; argv[]=name --config $KUBELET_ARGS ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\nExecStartEx={ path=/usr/bin/kubelet ; argv[]=name --config $KUBELET_ARGS ; flags=no-env-expand ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\nEnvironment=KUBELET_ARGS=--a\n",
    ).unwrap();
    assert_eq!(unit.commands[0].words, ["/usr/bin/kubelet", "--config", "$KUBELET_ARGS"]);
    assert_eq!(texts(&unit.arguments(&unit.commands[0], &[])), ["--config", "$KUBELET_ARGS"]);
    let missing = LoadedUnit::parse(
        "Environment=\nUnsetEnvironment=\nLoadState=not-found\nFragmentPath=\nDropInPaths=\nNeedDaemonReload=no\n",
    ).unwrap();
    assert_eq!(missing, LoadedUnit::default());
    for garbage in ["", "\n", "Failed to connect to bus", "NeedDaemonReload=no\n"] {
        assert_eq!(LoadedUnit::parse(garbage), None, "{garbage}");
    }
}
