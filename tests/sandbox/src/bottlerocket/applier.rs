//! The settings applier, `thar-be-settings`: what a commit sets off after it was answered.

use super::render::files;
use super::store::Pairs;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the applier does when it is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Applier {
    /// Renders, and is done before the answer is sent.
    #[default]
    AtOnce,
    /// Renders when [`Bottlerocket::release`](crate::Bottlerocket::release) says so.
    Held,
    /// Renders so much later.
    After(Duration),
    /// Forks, and then a template does not render: nothing is written, and nobody is told.
    TemplateFails,
    /// Is not there to be started: 500, after the commit.
    CannotStart,
    /// Ends with this status before it forks: 500, after the commit.
    Exits(i32),
}

/// One run of the applier to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The keys it was given, sorted; `None` is `--all`.
    pub keys: Option<Vec<String>>,
    /// Why it wrote nothing, as the journal has it.
    pub failure: Option<String>,
}

/// The keys of one run; `None` is all of them.
pub(super) type Keys = Option<BTreeSet<String>>;

/// What the applier has done, and is to do.
#[derive(Debug)]
pub(super) struct Runs {
    pub applier: Applier,
    /// What it does the next time alone.
    pub once: Option<Applier>,
    pub held: Vec<Keys>,
    pub applied: Vec<Applied>,
    /// The units that were restarted if they ran (`systemctl try-restart`).
    pub restarts: Vec<&'static str>,
    rootfs: PathBuf,
}

impl Runs {
    pub fn new(rootfs: PathBuf) -> Self {
        let (applier, held) = (Applier::default(), Vec::new());
        Self { applier, once: None, held, applied: Vec::new(), restarts: Vec::new(), rootfs }
    }

    /// Renders everything, as at boot before anything is started. Where a template fails then, the
    /// files are not there.
    pub fn boot(&mut self, live: &Pairs) {
        let _ = self.render(None, live);
        self.restarts.clear();
    }

    /// Starts it; an error is the API's own text, for a 500. A delay is left to the caller.
    pub fn start(&mut self, keys: Keys, live: &Pairs) -> Result<Option<(Duration, Keys)>, String> {
        match self.once.take().unwrap_or(self.applier) {
            Applier::AtOnce | Applier::TemplateFails => self.run(keys, live),
            Applier::Held => self.held.push(keys),
            Applier::After(delay) => return Ok(Some((delay, keys))),
            Applier::CannotStart => {
                let why = "No such file or directory (os error 2)";
                return Err(format!("Unable to start config applier: {why} "));
            }
            Applier::Exits(status) => {
                return Err(format!("Config applier was unable to fork child, returned {status}"));
            }
        }
        Ok(None)
    }

    /// Renders what these keys affect, and restarts what reads it.
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
            return Err("a template does not render".to_owned());
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

/// The services that a key affects. Here only those of the kubelet's settings are known.
pub(super) fn affected(key: &str) -> Option<[&'static str; 1]> {
    let below = key.strip_prefix("settings.kubernetes")?;
    (below.is_empty() || below.starts_with('.')).then_some(["kubernetes"])
}

/// As the applier does: in place, so that a reader may see half of it.
#[expect(clippy::disallowed_methods, reason = "this is how the real one writes")]
pub(super) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a writable folder");
    fs::write(path, text).expect("a writable file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("one's own file");
}
