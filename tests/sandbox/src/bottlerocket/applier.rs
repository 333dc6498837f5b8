//! The settings applier, `thar-be-settings`, which a commit starts in the background.

use super::render::files;
use super::store::Pairs;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The behavior of the applier when it is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Applier {
    /// Renders before the response is sent.
    #[default]
    AtOnce,
    /// Renders when [`Bottlerocket::release`](crate::Bottlerocket::release) is called.
    Held,
    /// Renders after this delay.
    After(Duration),
    /// Starts, but fails to render a template: it writes no files, and the API reports no error.
    TemplateFails,
    /// Cannot be started: the API returns 500 after the commit.
    CannotStart,
    /// Exits with this status before it forks: the API returns 500 after the commit.
    Exits(i32),
    /// Exits before it has read its input: the API returns 500 after the commit.
    ExitsEarly,
}

/// A completed run of the applier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The sorted keys in its arguments; `None` is `--all`.
    pub keys: Option<Vec<String>>,
    /// The error in the journal if it wrote no files.
    pub failure: Option<String>,
}

/// The keys of a run; `None` means all keys.
pub(super) type Keys = Option<BTreeSet<String>>;

/// The completed and the pending runs of the applier.
#[derive(Debug)]
pub(super) struct Runs {
    pub applier: Applier,
    /// The behavior of only the next run.
    pub once: Option<Applier>,
    pub held: Vec<Keys>,
    pub applied: Vec<Applied>,
    /// The units restarted with `systemctl try-restart`.
    pub restarts: Vec<&'static str>,
    rootfs: PathBuf,
}

impl Runs {
    pub fn new(rootfs: PathBuf) -> Self {
        let (applier, held) = (Applier::default(), Vec::new());
        Self { applier, once: None, held, applied: Vec::new(), restarts: Vec::new(), rootfs }
    }

    /// Renders all files, as at boot before the services start. If a template fails, the files are missing.
    pub fn boot(&mut self, live: &Pairs) {
        let _ = self.render(None, live);
        self.restarts.clear();
    }

    /// Starts a run. Returns the delay if the caller must run it later. An error is the response body of
    /// apiserver for status 500.
    pub fn start(&mut self, keys: Keys, live: &Pairs) -> Result<Option<(Duration, Keys)>, String> {
        match self.once.take().unwrap_or(self.applier) {
            Applier::AtOnce | Applier::TemplateFails => self.run(keys, live),
            Applier::Held => self.held.push(keys),
            Applier::After(delay) => return Ok(Some((delay, keys))),
            Applier::CannotStart => {
                let why = "No such file or directory (os error 2)";
                return Err(format!("Unable to start config applier: {why} "));
            }
            Applier::ExitsEarly => {
                let why = "Broken pipe (os error 32)";
                return Err(format!("Unable to send input to config applier: {why}"));
            }
            Applier::Exits(status) => {
                return Err(format!("Config applier was unable to fork child, returned {status}"));
            }
        }
        Ok(None)
    }

    /// Renders the files of the services that `keys` affect, and restarts these services.
    pub fn run(&mut self, keys: Keys, live: &Pairs) {
        let failure = self.render(keys.as_ref(), live).err();
        self.applied.push(Applied { keys: keys.map(|keys| keys.into_iter().collect()), failure });
    }

    fn render(&mut self, keys: Option<&BTreeSet<String>>, live: &Pairs) -> Result<(), String> {
        let affects = |key: &String| affected(key).is_some();
        if !keys.is_none_or(|keys| keys.iter().any(affects)) {
            return Ok(());
        }
        if self.applier == Applier::TemplateFails {
            return Err("failed to render a template".to_owned());
        }
        for (path, text) in files(live)? {
            write(&self.rootfs.join(path), &text);
        }
        self.restarts.push("kubelet.service");
        if keys.is_none() {
            self.restarts.extend(["host-containerd.service", "containerd.service"]);
        }
        Ok(())
    }
}

/// Returns the services that a key affects. Only the keys of the kubelet are implemented.
pub(super) fn affected(key: &str) -> Option<[&'static str; 1]> {
    let below = key.strip_prefix("settings.kubernetes")?;
    (below.is_empty() || below.starts_with('.')).then_some(["kubernetes"])
}

/// Writes a file in place, not atomically, as the real applier does.
#[expect(clippy::disallowed_methods, reason = "the real applier does not write atomically")]
pub(super) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a writable folder");
    fs::write(path, text).expect("a writable file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .expect("a file with changeable permissions");
}
