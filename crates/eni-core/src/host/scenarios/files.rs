//! The files of a scenario, and the changes that are applied to them.

use super::BOTTLEROCKET;
use crate::host::bottlerocket::KubeletSettings;
use crate::host::{HostCommand, Outcome, System};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The files of a scenario by name. Applying a change replaces them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scenario {
    pub(super) files: RefCell<BTreeMap<String, String>>,
}

impl Scenario {
    pub(super) fn read(path: &Path) -> Self {
        let mut files = BTreeMap::new();
        if path.is_dir() {
            let mut directories = vec![path.to_owned()];
            while let Some(directory) = directories.pop() {
                for entry in fs::read_dir(directory).unwrap() {
                    let file = entry.unwrap().path();
                    if file.is_dir() {
                        directories.push(file);
                    } else {
                        let name = file.strip_prefix(path).unwrap().display().to_string();
                        files.insert(name, fs::read_to_string(file).unwrap());
                    }
                }
            }
        } else {
            let text = fs::read_to_string(path).unwrap();
            let mut name = None;
            for line in text.split_inclusive('\n') {
                let marker =
                    line.trim_end().strip_prefix("-- ").and_then(|it| it.strip_suffix(" --"));
                if let Some(marker) = marker.filter(|it| !it.is_empty()) {
                    name = Some(marker.to_owned());
                    files.insert(marker.to_owned(), String::new());
                } else if let Some(name) = &name {
                    files.entry(name.clone()).or_default().push_str(line);
                }
            }
        }
        Self { files: RefCell::new(files) }
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.files.borrow().get(name).cloned()
    }

    pub(super) fn root(&self, path: &Path) -> Option<String> {
        self.text(&format!("root{}", path.display()))
    }
}

impl System for Scenario {
    type Error = std::convert::Infallible;

    fn read_file(&self, path: &Path) -> Result<Option<String>, Self::Error> {
        Ok(self.root(path))
    }

    fn write_file(&self, path: &Path, contents: &str) -> Result<Outcome, Self::Error> {
        self.files.borrow_mut().insert(format!("root{}", path.display()), contents.to_owned());
        Ok(Outcome::Written)
    }

    fn remove_file(&self, path: &Path) -> Result<Outcome, Self::Error> {
        self.files.borrow_mut().remove(&format!("root{}", path.display()));
        Ok(Outcome::Removed)
    }

    async fn run_snap_set(&self, command: &HostCommand) -> Result<(), Self::Error> {
        let [set, snap, option] = &command.arguments[..] else { panic!("{command:?}") };
        assert_eq!((&*command.program, set.as_str()), ("snap", "set"));
        let (key, value) = option.split_once('=').unwrap();
        let name = format!("snap/{snap}/{key}");
        if value.is_empty() {
            self.files.borrow_mut().remove(&name);
        } else {
            self.files.borrow_mut().insert(name, format!("{value}\n"));
        }
        Ok(())
    }

    async fn set_bottlerocket_settings(
        &self,
        _current: &KubeletSettings,
        settings: &KubeletSettings,
    ) -> Result<Outcome, Self::Error> {
        // The API merges maps, and removes no key.
        let live = self.text(BOTTLEROCKET).unwrap_or_default();
        let mut live: Value = serde_json::from_str(&live).unwrap_or_default();
        for (key, value) in json!(settings).as_object().unwrap() {
            let current = &mut live["kubernetes"][key];
            match (current.as_object_mut(), value.as_object()) {
                (Some(current), Some(map)) => current.extend(map.clone()),
                _ => *current = value.clone(),
            }
        }
        self.files.borrow_mut().insert(BOTTLEROCKET.to_owned(), live.to_string());
        Ok(Outcome::Written)
    }
}
