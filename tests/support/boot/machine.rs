//! A running node in a systemd-nspawn container.

use super::restrictions;
use super::unit_order::UnitOrder;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The limit for each wait. A boot takes half a second, ten seconds on a busy machine, and ten times as long on
/// a slow one.
const TIMEOUT: Duration = Duration::from_mins(5);

/// The script that starts the container.
const BOOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/boot/boot.sh");

/// A running node. Dropping it kills it; [`Machine::power_off`] shuts it down.
#[derive(Debug)]
pub struct Machine {
    /// Runs [`BOOT`], which stops the node when its stdin is closed.
    script: Child,
    /// The PID of its systemd on the host.
    leader: u32,
    records: PathBuf,
}

impl Machine {
    /// Boots the root `root` with the overlay in `folder`. Returns when its systemd accepts connections.
    pub fn start(root: &Path, folder: &Path, records: PathBuf) -> Self {
        fs::create_dir_all(&records).unwrap();
        let socket = folder.join("notices");
        let _ = fs::remove_file(&socket);
        let notices = UnixDatagram::bind(&socket).unwrap();
        notices.set_read_timeout(Some(TIMEOUT)).unwrap();
        let console = File::create(records.join("console.txt")).unwrap();
        let script = Command::new("unshare")
            .args(["--mount", BOOT])
            .args([root, folder])
            .env("NOTIFY_SOCKET", &socket)
            .env("TERM", "dumb")
            .stdin(Stdio::piped())
            .stdout(console.try_clone().unwrap())
            .stderr(console)
            .spawn()
            .unwrap();
        let mut machine = Self { script, leader: 0, records };
        machine.leader = machine.read_notice(&notices, "X_NSPAWN_LEADER_PID=").parse().unwrap();
        machine.wait_until("systemd", || machine.path("/run/systemd/private").exists());
        restrictions::assert_in_effect(&machine);
        machine
    }

    /// Waits for the variable `name` in the notifications of systemd-nspawn. The caller must drop the
    /// socket afterwards: nspawn blocks if nobody reads its notifications.
    fn read_notice(&self, notices: &UnixDatagram, name: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let Ok(length) = notices.recv(&mut buffer) else {
                panic!("{name} not received within {TIMEOUT:?}:\n{}", self.console());
            };
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if let Some(value) = text.lines().find_map(|line| line.strip_prefix(name)) {
                return value.to_owned();
            }
        }
    }

    /// Waits until every start job of the boot has succeeded or failed.
    pub fn wait_until_booted(&self) {
        let seconds = TIMEOUT.as_secs().to_string();
        let output = self.run(&["timeout", &seconds, "systemctl", "is-system-running", "--wait"]);
        let state = String::from_utf8(output.stdout).unwrap();
        let complete = ["running\n", "degraded\n"].contains(&state.as_str());
        assert!(complete, "boot not complete within {TIMEOUT:?}: {state}\n{}", self.console());
        restrictions::assert_in_effect(self);
    }

    /// Runs a command on the node.
    pub fn run(&self, command: &[&str]) -> Output {
        let leader = self.leader.to_string();
        Command::new("nsenter")
            .args(["--all", "--root", "--wd", "--target", &leader])
            .args(command)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("SYSTEMD_COLORS", "0")
            .output()
            .unwrap()
    }

    /// Runs a command on the node, and writes its system calls and those of its children to the file
    /// `trace` on the host. The program `strace` runs on the host.
    pub fn trace(&self, trace: &Path, strace: &Path, command: &[&str]) -> Output {
        let leader = self.leader.to_string();
        Command::new(strace)
            .args(["-f", "-qq", "-y", "-s", "256", "-o"])
            .arg(trace)
            .args(["nsenter", "--all", "--root", "--wd", "--target", &leader])
            .args(command)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .unwrap()
    }

    /// Runs a command on the node and returns its stdout. Asserts that it succeeds.
    pub fn stdout_of(&self, command: &[&str]) -> String {
        let output = self.run(command);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns a property of a unit from `systemctl show`.
    pub fn property(&self, unit: &str, name: &str) -> String {
        self.stdout_of(&["systemctl", "show", "--value", "-p", name, unit]).trim_end().to_owned()
    }

    /// Reads the state of the units.
    pub fn order(&self) -> UnitOrder {
        UnitOrder::read(self)
    }

    /// Records the current time on the clock of the node: starts `unit`, a `*-by-the-test.service` that
    /// does nothing, and returns when it has started.
    pub fn mark(&self, unit: &str) {
        let unit = format!("--unit={unit}");
        self.stdout_of(&[
            "systemd-run",
            &unit,
            "-p",
            "Type=oneshot",
            "--remain-after-exit",
            "true",
        ]);
    }

    /// Returns the host path of a file of the node, including its mounts.
    pub fn path(&self, path: &str) -> PathBuf {
        Path::new("/proc")
            .join(self.leader.to_string())
            .join("root")
            .join(path.trim_start_matches('/'))
    }

    /// Reads a file of the node; `None` if it does not exist.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// Returns the messages of a unit in the journal of this boot.
    pub fn journal(&self, unit: &str) -> String {
        self.stdout_of(&["journalctl", "--sync"]);
        self.stdout_of(&["journalctl", "--no-pager", "-b", "-o", "cat", "-u", unit])
    }

    /// Returns the messages of a program that have at least this priority, as `journalctl -p` selects
    /// them.
    pub fn journal_of_priority(&self, program: &str, priority: &str) -> String {
        self.stdout_of(&["journalctl", "--sync"]);
        let filter = ["--no-pager", "-b", "-o", "cat", "-t", program, "-p", priority];
        self.stdout_of(&[&["journalctl"], &filter[..]].concat())
    }

    /// Returns when a unit first logged a message that starts with `text`, on the clock of
    /// [`UnitOrder`].
    pub fn first_logged(&self, unit: &str, text: &str) -> Duration {
        self.stdout_of(&["journalctl", "--sync"]);
        let journal = self.stdout_of(&["journalctl", "--no-pager", "-b", "-o", "json", "-u", unit]);
        let entries = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut matching = entries
            .filter(|entry| entry["MESSAGE"].as_str().is_some_and(|it| it.starts_with(text)));
        let entry = matching.next().unwrap_or_else(|| panic!("{unit} did not log {text:?}"));
        let microseconds = entry["__MONOTONIC_TIMESTAMP"].as_str().unwrap().parse();
        Duration::from_micros(microseconds.unwrap())
    }

    /// Returns the console output so far.
    pub fn console(&self) -> String {
        let text = fs::read(self.records.join("console.txt")).unwrap();
        String::from_utf8_lossy(&text).replace('\r', "")
    }

    /// Waits until the console output contains `text`.
    pub fn wait_for_console(&self, text: &str) {
        self.wait_until(text, || self.console().contains(text));
    }

    /// Returns the console lines of `program`, without their timestamps and tags.
    pub fn console_lines_of(&self, program: &str) -> String {
        let tag = format!("] {program}[");
        let console = self.console();
        let lines = console.lines().filter(|line| line.contains(&tag));
        lines.filter_map(|line| Some(format!("{}\n", line.split_once("]: ")?.1))).collect()
    }

    /// Polls until `is_so` returns true. `what` names the condition for the failure message.
    pub fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        self.wait_up_to(TIMEOUT, what, is_so);
    }

    /// Polls like [`Machine::wait_until`], for at most `limit`.
    pub fn wait_up_to(&self, limit: Duration, what: &str, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            let elapsed = started.elapsed();
            assert!(elapsed < limit, "no {what} within {limit:?}:\n{}", self.console());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Writes the boot records, then shuts the node down with `systemctl poweroff`.
    pub fn power_off(mut self) {
        self.record();
        restrictions::assert_in_effect(&self);
        self.stdout_of(&["systemctl", "poweroff", "--no-block"]);
        let started = Instant::now();
        while self.script.try_wait().unwrap().is_none() {
            let elapsed = started.elapsed();
            assert!(elapsed < TIMEOUT, "not powered off within {TIMEOUT:?}:\n{}", self.console());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Prints the unit order, and writes it, the journal and the critical chain to the boot records.
    fn record(&self) {
        let keep = |name: &str, text: &[u8]| {
            File::create(self.records.join(name)).unwrap().write_all(text).unwrap();
        };
        let order = self.order().to_string();
        let boot = self.records.strip_prefix(crate::support::real_parts::boot_records()).unwrap();
        // Not print!, which the test harness captures.
        let printed = format!("{}\n{order}", boot.display());
        io::stdout().write_all(printed.as_bytes()).unwrap();
        keep("order.txt", order.as_bytes());
        let journal = ["journalctl", "--no-pager", "-b", "-o", "short-monotonic"];
        self.run(&["journalctl", "--sync"]);
        keep("journal.txt", &self.run(&journal).stdout);
        let chain = ["systemd-analyze", "--no-pager", "critical-chain"];
        let units = ["multi-user.target", "eni-bootstrap.service", "kubelet.service"];
        keep("critical-chain.txt", &self.run(&[&chain[..], &units].concat()).stdout);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if self.script.try_wait().is_ok_and(|status| status.is_none()) {
            self.record();
        }
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
