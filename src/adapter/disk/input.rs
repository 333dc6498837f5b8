//! Reads files. Rejects what is not a regular file, because a read of it may never end, and files that are
//! too large for the memory of a small instance.

use super::DiskError;
use nix::fcntl::OFlag;
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The size limit of a file, in bytes. The memory for a parsed file is up to 100 times its size, and the unit
/// has `MemoryMax=256M`.
pub(super) const LIMIT: u64 = 1 << 20;
/// The size limit of a TOML file, in bytes. Its parser needs up to 250 times this size.
pub(super) const TOML_LIMIT: u64 = 256 << 10;
/// The size limit of the result of a run, in bytes. A result has at most 1000 requests, 1000 states and 1000 phases.
pub(super) const RESULT_LIMIT: u64 = 4 << 20;
/// The free space in bytes after the expected contents, with which two calls of `read` return them and the end of the
/// file. With less, the standard library first reads some bytes only.
const END: usize = 64;
/// The device number of `/dev/null`.
///
/// Source: `Documentation/admin-guide/devices.txt`, Linux: character device 1:3.
const NULL: u64 = (1 << 8) | 3;

/// Returns the contents of a file of at most `limit` bytes, or `None` if it does not exist. `/dev/null` is
/// an empty file.
pub(super) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
    let failed = |source| DiskError::Read { path: path.to_owned(), source };
    let file = match open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if is_null(&metadata) {
        return Ok(Some(Vec::new()));
    }
    if !metadata.is_file() {
        let kind = kind(metadata.file_type());
        return Err(DiskError::NotRegular { path: path.to_owned(), kind });
    }
    limited(file, metadata.len(), path, limit).map(Some)
}

/// Returns the contents of a file of at most `limit` bytes that a user has named on the command line, which may be a
/// pipe; `None` if it does not exist.
pub(super) fn read_argument(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, DiskError> {
    match File::open(path) {
        Ok(file) => limited(file, 0, path, limit).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DiskError::Read { path: path.to_owned(), source }),
    }
}

/// Returns the contents of standard input, at most `limit` bytes.
pub(super) fn read_stdin(limit: u64) -> Result<Vec<u8>, DiskError> {
    let path = Path::new("standard input");
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    let stdin = stdin.map_err(|source| DiskError::Read { path: path.to_owned(), source })?;
    limited(stdin.into(), 0, path, limit)
}

/// Opens a file for reading. Does not wait for the other end of a FIFO.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
}

/// Returns the first `most` bytes of a regular file.
pub(super) fn read_start(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the contents of an open file, whose size is probably `size`.
fn limited(file: File, size: u64, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let failed = |source| DiskError::Read { path: path.to_owned(), source };
    let size = usize::try_from(size.min(limit)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(size + END);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok(bytes)
    } else {
        Err(DiskError::TooLarge { path: path.to_owned(), limit })
    }
}

fn is_null(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == NULL
}

/// Returns what a file that is not a regular file is.
fn kind(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        "a directory"
    } else if file_type.is_fifo() {
        "a FIFO"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_a_regular_file_of_limited_size_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let error = |name: &str| {
            let text = read(&path(name), LIMIT).unwrap_err().to_string();
            text.replace(&directory.path().display().to_string(), "")
        };
        mkfifo(&path("fifo"), Mode::S_IRWXU).unwrap();
        symlink("/dev/zero", path("zero")).unwrap();
        symlink("/dev/null", path("null")).unwrap();
        File::create(path("large")).unwrap().set_len(LIMIT + 1).unwrap();
        File::create(path("largest")).unwrap().set_len(LIMIT).unwrap();
        assert_eq!(error("fifo"), "/fifo is a FIFO, not a regular file");
        assert_eq!(error("zero"), "/zero is a device, not a regular file");
        assert_eq!(error("."), "/. is a directory, not a regular file");
        let settings = read(&path("largest"), TOML_LIMIT).unwrap_err().to_string();
        assert!(settings.ends_with("/largest exceeds 256 KiB"), "{settings}");
        assert_eq!(error("large"), "/large exceeds 1 MiB");
        assert_eq!(read(&path("null"), LIMIT).unwrap(), Some(Vec::new()));
        assert_eq!(read(&path("missing"), LIMIT).unwrap(), None);
        assert_eq!(read(&path("largest"), LIMIT).unwrap().map(|it| it.len()), Some(1 << 20));
    }
}
