//! A node that is up, in a container of systemd-nspawn's.

use super::order::Order;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that nobody waits for on purpose: on a busy machine a boot of half a
/// second takes ten.
const SOON: Duration = Duration::from_mins(1);

/// See there.
const BOOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/boot/boot.sh");

/// A node that is up. It is powered off by [`Machine::power_off`], and killed where it is dropped.
#[derive(Debug)]
pub struct Machine {
    /// [`BOOT`]; its stdin is what keeps the node up.
    script: Child,
    /// Its systemd.
    leader: u32,
    records: PathBuf,
}

impl Machine {
    /// Boots what is in `folder` over `root`. Returns when its systemd runs.
    pub fn start(root: &Path, folder: &Path, records: PathBuf) -> Self {
        fs::create_dir_all(&records).unwrap();
        let socket = folder.join("notices");
        let _ = fs::remove_file(&socket);
        let notices = UnixDatagram::bind(&socket).unwrap();
        notices.set_read_timeout(Some(SOON)).unwrap();
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
        machine.leader = machine.told(&notices, "X_NSPAWN_LEADER_PID=").parse().unwrap();
        machine.until("systemd", || machine.path("/run/systemd/private").exists());
        machine
    }

    /// What nspawn says of itself. It is not listened to for longer: it would go on telling, and
    /// stand still while nobody reads it.
    fn told(&self, notices: &UnixDatagram, name: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let Ok(length) = notices.recv(&mut buffer) else {
                panic!("no {name} within {SOON:?}:\n{}", self.console());
            };
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if let Some(value) = text.lines().find_map(|line| line.strip_prefix(name)) {
                return value.to_owned();
            }
        }
    }

    /// Waits until everything that the boot was to start has started, or failed.
    pub fn booted(&self) {
        let seconds = SOON.as_secs().to_string();
        let ended = self.run(&["timeout", &seconds, "systemctl", "is-system-running", "--wait"]);
        let state = String::from_utf8(ended.stdout).unwrap();
        let over = ["running\n", "degraded\n"].contains(&state.as_str());
        assert!(over, "{state}: the boot is not over within {SOON:?}:\n{}", self.console());
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

    /// What a command on the node prints; it must succeed.
    pub fn says(&self, command: &[&str]) -> String {
        let output = self.run(command);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A property of a unit, as `systemctl show` has it.
    pub fn property(&self, unit: &str, name: &str) -> String {
        self.says(&["systemctl", "show", "--value", "-p", name, unit]).trim_end().to_owned()
    }

    /// What the units have done so far.
    pub fn order(&self) -> Order {
        Order::read(self)
    }

    /// Marks this instant on the node's own clock, before something is done from outside: `unit`,
    /// a `*-by-the-test.service` that does nothing, has started when this returns.
    pub fn mark(&self, unit: &str) {
        let unit = format!("--unit={unit}");
        self.says(&["systemd-run", &unit, "-p", "Type=oneshot", "--remain-after-exit", "true"]);
    }

    /// A file of the node's, what is mounted included.
    pub fn path(&self, path: &str) -> PathBuf {
        Path::new("/proc")
            .join(self.leader.to_string())
            .join("root")
            .join(path.trim_start_matches('/'))
    }

    /// Its text, if it is there.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// The messages of a unit in this boot's journal.
    pub fn journal(&self, unit: &str) -> String {
        self.says(&["journalctl", "--sync"]);
        self.says(&["journalctl", "--no-pager", "-b", "-o", "cat", "-u", unit])
    }

    /// When a unit first said what begins with `text`, on the clock that its [`Order`] is by.
    pub fn said(&self, unit: &str, text: &str) -> Duration {
        self.says(&["journalctl", "--sync"]);
        let journal = self.says(&["journalctl", "--no-pager", "-b", "-o", "json", "-u", unit]);
        let entries = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut said = entries
            .filter(|entry| entry["MESSAGE"].as_str().is_some_and(|it| it.starts_with(text)));
        let entry = said.next().unwrap_or_else(|| panic!("{unit} has not said {text:?}"));
        let microseconds = entry["__MONOTONIC_TIMESTAMP"].as_str().unwrap().parse();
        Duration::from_micros(microseconds.unwrap())
    }

    /// What it has shown on its console so far.
    pub fn console(&self) -> String {
        let text = fs::read(self.records.join("console.txt")).unwrap();
        String::from_utf8_lossy(&text).replace('\r', "")
    }

    /// Waits until `text` is on the console.
    pub fn console_until(&self, text: &str) {
        self.until(text, || self.console().contains(text));
    }

    /// What a program has written to the console, without the stamps.
    pub fn console_of(&self, program: &str) -> String {
        let written_by = format!("] {program}[");
        let console = self.console();
        let lines = console.lines().filter(|line| line.contains(&written_by));
        lines.filter_map(|line| Some(format!("{}\n", line.split_once("]: ")?.1))).collect()
    }

    /// Waits for what nothing reports.
    pub fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < SOON, "no {what} within {SOON:?}:\n{}", self.console());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Shuts it down as a person would, after taking its records.
    pub fn power_off(mut self) {
        self.record();
        self.says(&["systemctl", "poweroff", "--no-block"]);
        let started = Instant::now();
        while self.script.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < SOON, "it does not power off:\n{}", self.console());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Prints the order, and keeps it with the journal and the critical chain.
    fn record(&self) {
        let keep = |name: &str, text: &[u8]| {
            File::create(self.records.join(name)).unwrap().write_all(text).unwrap();
        };
        let order = self.order().to_string();
        let boot = self.records.strip_prefix(crate::support::real_parts::boot_records()).unwrap();
        // Not print!: the test harness would keep it to itself.
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
        if self.script.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.record();
        }
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
