//! The start times and results of the units of a boot, as systemd reports them.

use super::machine::Machine;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The units to report, in addition to the `*-by-the-test.service` marks.
const UNITS: [&str; 10] = [
    "systemd-networkd-wait-online.service",
    "nodeadm-config.service",
    "cloud-init.service",
    "network-online.target",
    "eni-bootstrap.service",
    "cloud-final.service",
    "nodeadm-run.service",
    "containerd.service",
    "kubelet.service",
    "multi-user.target",
];

const PROPERTIES: &str = "Id,InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic,InactiveEnterTimestampMonotonic,ActiveState,Result";

/// The state of a unit. Times are on the monotonic clock of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// When its start began; `None` if it has not started.
    pub began: Option<Duration>,
    /// When its start was complete and the units ordered after it could start.
    pub done: Option<Duration>,
    /// `active`, `failed`, `inactive`, …
    pub state: String,
    /// `success`, `exit-code`, `signal`, …; empty unless it is a service.
    pub result: String,
}

/// The reported units of a boot, by name.
#[derive(Clone, Debug)]
pub struct UnitOrder {
    /// When the boot began.
    boot: Duration,
    units: BTreeMap<String, Unit>,
}

impl UnitOrder {
    /// Reads the units from systemd. Returns no units if systemd does not answer, so that a failed
    /// boot can be recorded too.
    pub fn read(machine: &Machine) -> Self {
        let show = |arguments: &[&str]| {
            let output = machine.run(&[&["systemctl", "show", "-p"], arguments].concat());
            String::from_utf8(output.stdout).unwrap()
        };
        let units = [&[PROPERTIES], &UNITS[..], &["*-by-the-test.service"]].concat();
        let boot = show(&["UserspaceTimestampMonotonic", "--value"]);
        Self {
            boot: instant(boot.trim_end()).unwrap_or_default(),
            units: show(&units).split("\n\n").map(unit).collect(),
        }
    }

    /// Returns the unit `name`; panics if it is not reported.
    pub fn unit(&self, name: &str) -> &Unit {
        self.units.get(name).unwrap_or_else(|| panic!("{name} is missing:\n{self}"))
    }

    /// Asserts that the start of each unit was complete before the start of the next one began.
    pub fn assert_order(&self, names: &[&str]) {
        for pair in names.windows(2) {
            let (done, began) = (self.unit(pair[0]).done, self.unit(pair[1]).began);
            let in_order = done.zip(began).is_some_and(|(done, began)| done <= began);
            assert!(in_order, "{} did not finish before {} began:\n{self}", pair[0], pair[1]);
        }
    }

    /// Asserts that the start of each unit was complete before the start of the next one was.
    pub fn assert_completion_order(&self, names: &[&str]) {
        for pair in names.windows(2) {
            let (first, then) = (self.unit(pair[0]).done, self.unit(pair[1]).done);
            let in_order = first.zip(then).is_some_and(|(first, then)| first <= then);
            assert!(in_order, "{} did not finish before {} did:\n{self}", pair[0], pair[1]);
        }
    }

    /// Asserts that the start of the unit has not begun.
    pub fn assert_never_started(&self, name: &str) {
        let unit = self.unit(name);
        assert_eq!((unit.began, unit.done), (None, None), "{name} has started:\n{self}");
    }
}

/// Prints a line for each started unit, in the order in which the starts were complete.
impl fmt::Display for UnitOrder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut units: Vec<_> =
            self.units.iter().filter(|(_, unit)| unit.began.is_some()).collect();
        units.sort_by_key(|(_, unit)| (unit.done.is_none(), unit.done, unit.began));
        let since_boot = |at: Option<Duration>| match at {
            Some(at) => format!("{:.3} s", at.saturating_sub(self.boot).as_secs_f64()),
            None => "-".to_owned(),
        };
        for (name, Unit { began, done, state, result }) in units {
            let (began, done) = (since_boot(*began), since_boot(*done));
            writeln!(formatter, "  {name:<38} began {began:>9}  done {done:>9}  {state} {result}")?;
        }
        Ok(())
    }
}

fn unit(block: &str) -> (String, Unit) {
    let properties: BTreeMap<&str, &str> =
        block.lines().filter_map(|line| line.split_once('=')).collect();
    let property = |name| properties.get(name).copied().unwrap_or_default();
    let state = property("ActiveState").to_owned();
    // A oneshot without RemainAfterExit never becomes active: its start is complete when it exits.
    let active = instant(property("ActiveEnterTimestampMonotonic"));
    let ended = instant(property("InactiveEnterTimestampMonotonic"));
    let unit = Unit {
        began: instant(property("InactiveExitTimestampMonotonic")),
        done: active.or(ended),
        state,
        result: property("Result").to_owned(),
    };
    (property("Id").to_owned(), unit)
}

/// Parses a timestamp in microseconds; `None` for 0, which means that the event has not occurred.
fn instant(text: &str) -> Option<Duration> {
    let microseconds: u64 = text.parse().unwrap_or_default();
    (microseconds > 0).then(|| Duration::from_micros(microseconds))
}
