//! What each command does, by the floors below.

mod aligned_table;
pub mod check;
mod cluster;
pub mod limits;
pub mod max_pods;
pub mod plan;
pub mod run;
pub mod token;
pub mod undo;
pub mod wait;

use crate::adapter::Endpoints;
use crate::adapter::disk;
use crate::adapter::dns::Names;
use crate::error::Error;
use eni_core::settings::{Settings, SettingsError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What every command needs: where everything is, and what was asked for by hand.
#[derive(Debug)]
pub struct Context {
    /// Where everything is.
    pub endpoints: Endpoints,
    /// How names become addresses.
    pub names: Names,
    /// The file that `--config` names.
    pub config: Option<PathBuf>,
    /// The environment and the flags.
    pub by_hand: Settings,
}

impl Context {
    /// Every layer, merged and checked.
    pub fn settings(self) -> Result<(Endpoints, Names, Settings), Error> {
        let mut merged = Settings::default();
        for (path, text) in disk::settings_files(&self.endpoints.root)? {
            merged = layer(&path, &text)?.over(merged);
        }
        if let Some(path) = &self.config {
            let text = disk::read(path)?.ok_or_else(|| SettingsError::NoSuchFile(path.clone()))?;
            merged = layer(path, &text)?.over(merged);
        }
        let settings = self.by_hand.over(merged);
        Ok((with_overrides(self.endpoints)?, self.names, settings))
    }
}

/// The table with the rows of the machine's override file.
pub(crate) fn with_overrides(endpoints: Endpoints) -> Result<Endpoints, Error> {
    let rows = disk::type_overrides(&endpoints.root)?;
    Ok(Endpoints { table: endpoints.table.with_overrides(rows), ..endpoints })
}

fn layer(path: &Path, text: &str) -> Result<Settings, SettingsError> {
    Settings::from_toml(path, text).map_err(SettingsError::from)
}

/// Results go to stdout, and nothing else does.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Error::Output)
}
