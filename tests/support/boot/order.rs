//! What the units of a boot did, and when, by systemd's own account.

use super::machine::Machine;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The units whose order is shown, beside the marks that a test sets.
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

/// When a unit did what, on the node's monotonic clock; `None` where it has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its start began: its first command ran.
    pub began: Option<Duration>,
    /// Its start was done: what comes after it may start.
    pub done: Option<Duration>,
    /// `active`, `failed`, `inactive`, …
    pub state: String,
    /// `success`, `exit-code`, `signal`, …; empty where it is no service.
    pub result: String,
}

/// Every unit of interest, by name.
#[derive(Clone, Debug)]
pub struct Order {
    /// When the boot began.
    boot: Duration,
    units: BTreeMap<String, Unit>,
}

impl Order {
    /// Asks systemd. Nothing is in it where there is no answer: a boot that went wrong is shown, too.
    pub fn read(machine: &Machine) -> Self {
        let show = |arguments: &[&str]| {
            let said = machine.run(&[&["systemctl", "show", "-p"], arguments].concat()).stdout;
            String::from_utf8(said).unwrap()
        };
        let of_units = [&[PROPERTIES], &UNITS[..], &["*-by-the-test.service"]].concat();
        let boot = show(&["UserspaceTimestampMonotonic", "--value"]);
        Self {
            boot: instant(boot.trim_end()).unwrap_or_default(),
            units: show(&of_units).split("\n\n").map(unit).collect(),
        }
    }

    /// One unit.
    pub fn unit(&self, name: &str) -> &Unit {
        self.units.get(name).unwrap_or_else(|| panic!("{name} in {self}"))
    }

    /// Fails unless each of these was done before the next one began.
    pub fn was(&self, names: &[&str]) {
        for pair in names.windows(2) {
            let (done, began) = (self.unit(pair[0]).done, self.unit(pair[1]).began);
            let in_order = done.zip(began).is_some_and(|(done, began)| done <= began);
            assert!(in_order, "{} before {}:\n{self}", pair[0], pair[1]);
        }
    }

    /// Fails unless each of these was done before the next one was.
    pub fn was_done(&self, names: &[&str]) {
        for pair in names.windows(2) {
            let (first, then) = (self.unit(pair[0]).done, self.unit(pair[1]).done);
            let in_order = first.zip(then).is_some_and(|(first, then)| first <= then);
            assert!(in_order, "{} done before {}:\n{self}", pair[0], pair[1]);
        }
    }

    /// Fails if the unit has begun to start.
    pub fn never_started(&self, name: &str) {
        let unit = self.unit(name);
        assert_eq!((unit.began, unit.done), (None, None), "{name} has started:\n{self}");
    }
}

/// A line for each unit that did anything, in the order in which they were done.
impl fmt::Display for Order {
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
    // A oneshot that does not remain is never active: it is done when it has ended.
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

/// Microseconds; 0 is never.
fn instant(text: &str) -> Option<Duration> {
    let microseconds: u64 = text.parse().unwrap_or_default();
    (microseconds > 0).then(|| Duration::from_micros(microseconds))
}
