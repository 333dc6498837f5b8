//! A disk whose writes and flushes are logged.

use super::image::{FileSystem, Image, Mounted};
use super::write_log::WriteLog;
use crate::support::real_parts::{self, program, require_root};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mounted disk. Dropping it unmounts it and stops QEMU.
pub struct Recorder {
    /// Unmounted before QEMU ends.
    mounted: Option<Mounted>,
    qemu: Child,
    folder: PathBuf,
    before: Image,
}

/// Returns `Some` if this machine can record and mount disks with this file system.
pub fn supports(file_system: FileSystem) -> Option<()> {
    require_root()?;
    let (formatter, package) = file_system.formatter();
    program(formatter, package)?;
    program("qemu-storage-daemon", "qemu-system-common")?;
    program("strace", "strace")?;
    real_parts::device("/dev/fuse")?;
    real_parts::device("/dev/loop-control")
}

impl Recorder {
    /// Creates a disk with the files below `root`, and mounts it on `root`. `folder` is for the disk and its
    /// log.
    pub fn start(file_system: FileSystem, root: &Path, folder: &Path) -> Self {
        let populated = folder.join("populated");
        file_system.format(&populated);
        let mounted = file_system.mount(&populated, &folder_in(folder, "mounted")).unwrap();
        let source = format!("{}/.", root.display());
        let copy =
            Command::new("cp").args(["--archive", &source]).arg(folder.join("mounted")).status();
        assert!(copy.unwrap().success());
        mounted.sync();
        drop(mounted);
        let before = Image::read(&populated);
        before.save(&folder.join("disk"));
        let qemu = serve(folder);
        // Constructed before the mount, so that a failed mount stops QEMU.
        let mut recorder = Self { mounted: None, qemu, folder: folder.to_owned(), before };
        // Without direct I/O, the loop device sends one write at a time to QEMU, without a cache in between.
        // The FUSE export of QEMU 7.2 mixes up the data of parallel writes.
        recorder.mounted = Some(file_system.mount(&folder.join("export"), root).unwrap());
        recorder
    }

    /// Returns the size of the log in bytes. The log contains every flush that has returned.
    pub fn position(&self) -> u64 {
        fs::metadata(self.folder.join("log")).unwrap().len()
    }

    /// Writes everything to the disk, unmounts it, and returns its log. `end` is the [`Recorder::position`] when the process ended.
    pub fn finish(mut self, end: u64) -> WriteLog {
        let mounted = self.mounted.take().unwrap();
        mounted.sync();
        drop(mounted);
        self.stop();
        let log = WriteLog::read(&self.folder.join("log"), self.before.clone(), end);
        let disk = Image::read(&self.folder.join("disk"));
        assert!(log.last() == disk, "the log does not contain all writes to the disk");
        log
    }

    /// Asks QEMU to write its log and to exit.
    fn stop(&mut self) {
        if let Some(mut monitor) = self.qemu.stdin.take() {
            let quit = "{\"execute\": \"qmp_capabilities\"}\n{\"execute\": \"quit\"}\n";
            if monitor.write_all(quit.as_bytes()).is_err() {
                let _ = self.qemu.kill();
            }
            // QEMU ends when it has read the command.
            let _ = self.qemu.wait();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.mounted.take());
        self.stop();
    }
}

fn folder_in(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(&path).unwrap();
    path
}

/// Starts QEMU, which serves the file `disk` in `folder` as the file `export`, and logs writes to `log`.
fn serve(folder: &Path) -> Child {
    for file in ["log", "export"] {
        File::create(folder.join(file)).unwrap();
    }
    let mut qemu = Command::new("qemu-storage-daemon")
        .current_dir(folder)
        .args(["--blockdev", "driver=file,node-name=disk,filename=disk"])
        .args(["--blockdev", "driver=file,node-name=log,filename=log"])
        .args(["--blockdev", "driver=blklogwrites,node-name=logged,file=disk,log=log"])
        .args(["--export", "type=fuse,id=export,node-name=logged,mountpoint=export,writable=on"])
        .args(["--chardev", "stdio,id=monitor", "--monitor", "chardev=monitor"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // QEMU handles its options in their order, and prints a line when the monitor is ready.
    let mut greeting = String::new();
    BufReader::new(qemu.stdout.as_mut().unwrap()).read_line(&mut greeting).unwrap();
    assert!(greeting.contains("QMP"), "qemu-storage-daemon did not start: {greeting}");
    qemu
}
