//! A file system that is full, or cannot be written.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::parts::root_rights;

/// A file system of its own on `folder`, with `files` in it, mounted with `options` (of which `ro`
/// takes effect after the files are written); unmounted on drop. Root only.
#[derive(Debug)]
pub struct Mounted(PathBuf);

/// See [`Mounted`].
pub fn tmpfs(folder: &Path, options: &str, files: &[(&str, &str)]) -> Option<Mounted> {
    root_rights()?;
    let mount = |options: &str| {
        let mut done = Command::new("mount");
        done.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder);
        assert!(done.status().unwrap().success(), "mount -o {options} {}", folder.display());
    };
    mount(if options == "ro" { "size=1m" } else { options });
    let mounted = Mounted(folder.to_owned());
    for (name, contents) in files {
        let mut file = fs::File::create(folder.join(name)).unwrap();
        file.write_all(contents.as_bytes()).unwrap();
    }
    if options == "ro" {
        mount("remount,ro");
    }
    Some(mounted)
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
