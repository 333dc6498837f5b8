//! Follows symbolic links below the root of a node, as in a chroot.

use nix::errno::Errno;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The number of symbolic links after which a path counts as a loop, as in the kernel.
const MOST_LINKS: u32 = 40;

/// Whether to follow a symbolic link at the end of a path. Links to directories are always followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FinalLink {
    Follow,
    Keep,
}

/// Returns the path of the node's file `path` below `root`, for reading: opening it opens the file that a process
/// with this root would open. If the root is `/`, the kernel follows the links.
pub(super) fn readable(root: &Path, path: &Path) -> io::Result<PathBuf> {
    if root == Path::new("/") && path.is_absolute() {
        Ok(path.to_owned())
    } else {
        follow(root, path, FinalLink::Follow)
    }
}

/// Returns the path below `root` of the file that a process with this root would open. The file may be
/// missing. No link leads out of `root`: an absolute target begins there, and `..` ends there.
pub(super) fn follow(root: &Path, path: &Path, final_link: FinalLink) -> io::Result<PathBuf> {
    let mut pending = names(path);
    let mut resolved = PathBuf::new();
    let mut links = 0;
    let mut is_missing = false;
    while let Some(name) = pending.pop() {
        if name == ".." {
            resolved.pop();
            is_missing = false;
            continue;
        }
        resolved.push(name);
        let is_kept = pending.is_empty() && final_link == FinalLink::Keep;
        // A missing directory has no links.
        if is_kept || is_missing {
            continue;
        }
        let target = match target(&root.join(&resolved))? {
            Target::Path(target) => target,
            Target::NoLink => continue,
            Target::Missing => {
                is_missing = true;
                continue;
            }
        };
        resolved.pop();
        links += 1;
        if links > MOST_LINKS {
            return Err(Errno::ELOOP.into());
        }
        if target.is_absolute() {
            resolved.clear();
        }
        pending.extend(names(&target));
    }
    Ok(root.join(resolved))
}

/// Returns the names in a path, the last one first, without those that have no effect.
fn names(path: &Path) -> Vec<OsString> {
    let components = path.components().rev();
    let names = components.filter(|it| matches!(it, Component::Normal(_) | Component::ParentDir));
    names.map(|it| it.as_os_str().to_owned()).collect()
}

/// The target of a path that may be a symbolic link.
enum Target {
    Path(PathBuf),
    NoLink,
    Missing,
}

fn target(path: &Path) -> io::Result<Target> {
    use io::ErrorKind::{InvalidInput, NotADirectory, NotFound};
    match path.read_link() {
        Ok(target) => Ok(Target::Path(target)),
        Err(error) if error.kind() == InvalidInput => Ok(Target::NoLink),
        Err(error) if matches!(error.kind(), NotADirectory | NotFound) => Ok(Target::Missing),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_below_the_root() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("etc/site")).unwrap();
        for (link, target) in [
            ("etc/relative", "site/file"),
            ("etc/absolute", "/etc/site/file"),
            ("etc/outside", "../../../../etc/site/file"),
            ("etc/directory", "./site"),
            ("etc/chain", "/etc/directory/../relative"),
            ("etc/loop", "loop"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let followed = |path: &str| follow(root, Path::new(path), FinalLink::Follow);
        for path in [
            "/etc/site/file",
            "/etc/relative",
            "/etc/absolute",
            "/etc/outside",
            "/etc/directory/file",
            "/etc/chain",
        ] {
            assert_eq!(followed(path).unwrap(), root.join("etc/site/file"), "{path}");
        }
        assert_eq!(followed("/missing/../a/b").unwrap(), root.join("a/b"));
        assert_eq!(followed("/missing/a/../../etc/relative").unwrap(), root.join("etc/site/file"));
        assert_eq!(followed("/etc/relative/a/b").unwrap(), root.join("etc/site/file/a/b"));
        assert_eq!(followed("/").unwrap(), root.join(""));
        // Only below another root, an absolute link leads to another file than in the kernel.
        let absolute = Path::new("/etc/absolute");
        assert_eq!(readable(root, absolute).unwrap(), root.join("etc/site/file"));
        assert_eq!(readable(Path::new("/"), absolute).unwrap(), absolute);
        let kept = |path: &str| follow(root, Path::new(path), FinalLink::Keep).unwrap();
        assert_eq!(kept("/etc/relative"), root.join("etc/relative"));
        assert_eq!(kept("/etc/directory/file"), root.join("etc/site/file"));
        let error = followed("/etc/loop").unwrap_err();
        assert_eq!(error.to_string(), "Too many levels of symbolic links (os error 40)");
    }
}
