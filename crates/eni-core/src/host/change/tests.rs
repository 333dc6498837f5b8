use super::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// A node in memory.
#[derive(Default)]
struct Memory {
    files: RefCell<BTreeMap<PathBuf, String>>,
    commands: RefCell<Vec<String>>,
    settings: RefCell<Vec<KubeletSettings>>,
}

impl System for Memory {
    type Error = std::convert::Infallible;

    fn read_file(&self, path: &Path) -> Result<Option<String>, Self::Error> {
        Ok(self.files.borrow().get(path).cloned())
    }

    fn write_file(&self, path: &Path, contents: &str) -> Result<Outcome, Self::Error> {
        let old = self.files.borrow_mut().insert(path.to_owned(), contents.to_owned());
        Ok(if old.as_deref() == Some(contents) { Outcome::Unchanged } else { Outcome::Written })
    }

    fn remove_file(&self, path: &Path) -> Result<Outcome, Self::Error> {
        let old = self.files.borrow_mut().remove(path);
        Ok(old.map_or(Outcome::Absent, |_| Outcome::Removed))
    }

    async fn run_snap_set(&self, command: &HostCommand) -> Result<(), Self::Error> {
        let line = format!("{} {}", command.program, command.arguments.join(" "));
        self.commands.borrow_mut().push(line);
        Ok(())
    }

    async fn set_bottlerocket_settings(
        &self,
        _current: &KubeletSettings,
        settings: &KubeletSettings,
    ) -> Result<Outcome, Self::Error> {
        self.settings.borrow_mut().push(settings.clone());
        Ok(Outcome::Written)
    }
}

/// Returns the result of a future that never waits.
pub(in crate::host) fn done<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future waits"),
    }
}

fn settings(max_pods: u32) -> KubeletSettings {
    KubeletSettings { max_pods: Some(max_pods), ..KubeletSettings::default() }
}

/// One change of each kind, with what `plan` prints.
fn changes() -> [(Change, &'static str); 5] {
    let option = SnapOption { snap: "kubelet-eks", key: "args" };
    let (current, value) = ("--v=2".to_owned(), "--v=2 --max-pods=20".to_owned());
    [
        (
            Change::OwnedFile { path: "/etc/owned".into(), contents: format!("{NOTICE}a\n") },
            "/etc/owned:\n    # eni-bootstrap writes this file at every boot, before the kubelet starts.\n    # Edits to this file are overwritten. To change a setting, edit /etc/eni-bootstrap/*.toml.\n    a",
        ),
        (
            Change::SharedFile { path: "/etc/shared".into(), contents: "a\nb\n".to_owned() },
            "/etc/shared:\n    a\n    b",
        ),
        (Change::RemoveFile { path: "/etc/old".into() }, "/etc/old: file will be removed"),
        (
            Change::SnapOption { option, current, value },
            "snap kubelet-eks option args:\n    --v=2 --max-pods=20",
        ),
        (
            Change::BottlerocketSettings {
                current: settings(29),
                settings: settings(20),
                external_label: None,
                record_before: format!("{NOTICE}before\n"),
                record_after: format!("{NOTICE}after\n"),
            },
            "Bottlerocket settings.kubernetes:\n    {\n      \"max-pods\": 20\n    }",
        ),
    ]
}

#[test]
fn each_kind_of_change_shows_itself() {
    for (change, expected) in changes() {
        assert_eq!(change.show(), expected);
    }
    assert_eq!(
        Value::Array(changes().iter().map(|(change, _)| change.to_json()).collect()),
        json!([
            { "path": "/etc/owned", "contents": format!("{NOTICE}a\n") },
            { "path": "/etc/shared", "contents": "a\nb\n" },
            { "path": "/etc/old", "absent": true },
            { "snap": "kubelet-eks", "arguments": "--v=2 --max-pods=20" },
            { "settings.kubernetes": { "max-pods": 20 } },
        ])
    );
}

#[test]
fn each_kind_of_change_compares_itself() {
    let system = Memory::default();
    system.write_file(Path::new("/etc/old"), "old\n").unwrap();
    let compared = changes().map(|(change, _)| {
        let Comparison { label, current, new } =
            change.compare(|path| system.read_file(path)).unwrap();
        (label, current, new.map(|text| text.lines().last().unwrap_or_default().to_owned()))
    });
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        compared,
        [
            ("/etc/owned".to_owned(), None, text("a")),
            ("/etc/shared".to_owned(), None, text("b")),
            ("/etc/old".to_owned(), text("old\n"), None),
            (
                "/snap kubelet-eks option args".to_owned(),
                text("--v=2\n"),
                text("--v=2 --max-pods=20")
            ),
            (
                "/Bottlerocket settings.kubernetes".to_owned(),
                text("{\n  \"max-pods\": 29\n}\n"),
                text("}")
            ),
        ]
    );
}

#[test]
fn each_kind_of_change_applies_itself() {
    use Outcome::{Absent, Removed, Unchanged, Written};
    let system = Memory::default();
    system.write_file(Path::new("/etc/old"), NOTICE).unwrap();
    let apply = || changes().map(|(change, _)| done(change.apply(&system)).unwrap());
    assert_eq!(apply(), [Written, Written, Removed, Written, Written]);
    assert_eq!(apply(), [Unchanged, Unchanged, Absent, Written, Written]);
    let files: Vec<PathBuf> = system.files.borrow().keys().cloned().collect();
    let record = Path::new(RECORD);
    assert_eq!(files, [record, Path::new("/etc/owned"), Path::new("/etc/shared")]);
    assert_eq!(system.files.borrow()[record], format!("{NOTICE}after\n"));
    assert_eq!(system.commands.borrow()[0], "snap set kubelet-eks args=--v=2 --max-pods=20");
    assert_eq!(system.settings.borrow()[0], settings(20));
    let option = SnapOption { snap: "kubelet-eks", key: "args" };
    let (current, value) = ("--v=2".to_owned(), "--v=2".to_owned());
    let same = Change::SnapOption { option, current, value };
    assert_eq!(done(same.apply(&system)), Ok(Unchanged));
}

/// A node whose settings API fails.
struct NoApi(Memory);

impl System for NoApi {
    type Error = String;

    fn read_file(&self, path: &Path) -> Result<Option<String>, String> {
        Ok(done_ok(self.0.read_file(path)))
    }

    fn write_file(&self, path: &Path, contents: &str) -> Result<Outcome, String> {
        Ok(done_ok(self.0.write_file(path, contents)))
    }

    fn remove_file(&self, path: &Path) -> Result<Outcome, String> {
        Ok(done_ok(self.0.remove_file(path)))
    }

    async fn run_snap_set(&self, _command: &HostCommand) -> Result<(), String> {
        Ok(())
    }

    async fn set_bottlerocket_settings(
        &self,
        _current: &KubeletSettings,
        _settings: &KubeletSettings,
    ) -> Result<Outcome, String> {
        Err("no API".to_owned())
    }
}

fn done_ok<T>(result: Result<T, std::convert::Infallible>) -> T {
    match result {
        Ok(value) => value,
    }
}

#[test]
fn a_failed_commit_leaves_the_record_with_the_pending_values() {
    let system = NoApi(Memory::default());
    let [.., (change, _)] = changes();
    assert_eq!(done(change.apply(&system)), Err("no API".to_owned()));
    assert_eq!(system.0.files.borrow()[Path::new(RECORD)], format!("{NOTICE}before\n"));
}

#[test]
fn a_file_of_somebody_else_is_a_conflict() {
    let system = Memory::default();
    let conflicts = || changes().map(|(change, _)| change.conflict(&system).unwrap());
    assert_eq!(conflicts(), [const { None }; 5], "no file exists");
    for path in ["/etc/owned", "/etc/shared", "/etc/old", RECORD] {
        system.write_file(Path::new(path), "# by another agent\n").unwrap();
    }
    let (owned, old) = (Some("/etc/owned".into()), Some("/etc/old".into()));
    assert_eq!(conflicts(), [owned, None, old, None, Some(RECORD.into())]);
    for path in ["/etc/owned", "/etc/old", RECORD] {
        // As version 0.1.0 wrote it.
        let text = "# Written by eni-bootstrap before the kubelet starts, and again at every boot.\n# Settings belong in /etc/eni-bootstrap/*.toml; a change made here is lost.\n";
        system.write_file(Path::new(path), text).unwrap();
    }
    assert_eq!(conflicts(), [const { None }; 5]);
    for path in ["/etc/owned", "/etc/old", RECORD] {
        system.write_file(Path::new(path), NOTICE).unwrap();
    }
    assert_eq!(conflicts(), [const { None }; 5]);
}
