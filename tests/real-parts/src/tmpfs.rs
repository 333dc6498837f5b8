//! A mounted tmpfs, to test full and read-only file systems.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::parts::require_root;

/// A mounted tmpfs. Dropping it unmounts it.
#[derive(Debug)]
pub struct Mounted(PathBuf);

/// Mounts a tmpfs on `folder` with `options`, and writes `files` to it. The option `ro` takes effect
/// after the files are written. Requires root.
pub fn tmpfs(folder: &Path, options: &str, files: &[(&str, &str)]) -> Option<Mounted> {
    require_root()?;
    let mount = |options: &str| {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder);
        assert!(mount.status().unwrap().success(), "mount -o {options} {}", folder.display());
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
        // Lazily: a process that another test starts has the open files of this process until exec.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
