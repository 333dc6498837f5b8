//! The time of a record, and its age.

use std::time::SystemTime;

/// Returns the time from `then` to `now` in its two largest units, such as `3d 4h ago`. If the clock
/// is behind `then`, returns `at` and the time of the record.
pub(super) fn text(then: SystemTime, now: SystemTime) -> String {
    let Ok(age) = now.duration_since(then) else {
        return format!("at {}", humantime::format_rfc3339_seconds(then));
    };
    let seconds = age.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(units.len() - 1);
    let largest = units.iter().skip(first).take(2).filter(|(count, _)| *count > 0);
    let words: Vec<String> = largest.map(|(count, unit)| format!("{count}{unit}")).collect();
    if words.is_empty() { "0s ago".to_owned() } else { format!("{} ago", words.join(" ")) }
}

/// A time as text, such as `2026-11-21T20:00:00Z`.
pub(super) mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::time::SystemTime;

    pub(in crate::record) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_seconds(*time))
    }

    pub(in crate::record) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_rfc3339(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn the_age_has_the_two_largest_units() {
        let then = UNIX_EPOCH + Duration::from_hours(24 * 365);
        for (seconds, expected) in [
            (0, "0s ago"),
            (59, "59s ago"),
            (60, "1m ago"),
            (3_725, "1h 2m ago"),
            (86_400 * 3 + 4 * 3600 + 59, "3d 4h ago"),
            (86_400 + 61, "1d ago"),
        ] {
            assert_eq!(text(then, then + Duration::from_secs(seconds)), expected);
        }
        assert_eq!(text(then, UNIX_EPOCH), "at 1971-01-01T00:00:00Z");
    }
}
