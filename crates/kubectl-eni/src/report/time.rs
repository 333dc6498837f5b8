//! Times as text.

const MILLISECOND: u64 = 1_000;
const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Returns a time in microseconds as text: below a minute with three significant digits and without trailing zeros,
/// such as `850 µs`, `69.2 ms` or `3 s`, then in two units, such as `9 min 3 s`.
pub(super) fn duration(us: u64) -> String {
    if us < MILLISECOND {
        return format!("{us} µs");
    }
    if let Some(text) =
        decimal(us, MILLISECOND, 1000, "ms").or_else(|| decimal(us, SECOND, 60, "s"))
    {
        return text;
    }
    let seconds = us.saturating_add(SECOND / 2) / SECOND;
    let (large, small, units) = if seconds < HOUR / SECOND {
        (seconds / 60, seconds % 60, ["min", "s"])
    } else {
        let minutes = (seconds + 30) / 60;
        (minutes / 60, minutes % 60, ["h", "min"])
    };
    match small {
        0 => format!("{large} {}", units[0]),
        _ => format!("{large} {} {small} {}", units[0], units[1]),
    }
}

/// Returns `us` in `unit` with three significant digits and without trailing zeros; `None` from `limit` units.
fn decimal(us: u64, unit: u64, limit: u64, name: &str) -> Option<String> {
    // The unit divided by the last digit's value: hundredths below 10, tenths below 100.
    for (below, parts) in [(10, 100), (100, 10), (u64::MAX, 1)] {
        let rounded = us.saturating_add(unit / parts / 2) / (unit / parts);
        if rounded / parts >= limit {
            return None;
        }
        if rounded / parts < below {
            let (whole, rest) = (rounded / parts, rounded % parts);
            let digits = parts.to_string().len() - 1;
            let number = format!("{whole}.{rest:0digits$}");
            let number = number.trim_end_matches('0').trim_end_matches('.');
            return Some(if parts == 1 {
                format!("{whole} {name}")
            } else {
                format!("{number} {name}")
            });
        }
    }
    None
}

/// Returns the distance of the ticks on an axis of this length, so that it has at most `most` ticks after 0.
pub(super) fn tick_step(span_us: u64, most: u64) -> u64 {
    const MINUTES: [u64; 8] = [1, 2, 5, 10, 15, 30, 60, 120];
    let decades = (0..6).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    let seconds = [1, 2, 5, 10, 15, 30].map(|count| count * SECOND);
    let minutes = MINUTES.map(|count| count * MINUTE);
    let mut steps = decades.chain(seconds).chain(minutes);
    let fits = |step: &u64| span_us / step <= most.max(1);
    steps.find(fits).unwrap_or_else(|| (span_us / most.max(1) / HOUR + 1) * HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_significant_digits_and_the_largest_unit() {
        for (us, expected) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1 ms"),
            (1_100, "1.1 ms"),
            (9_026, "9.03 ms"),
            (9_999, "10 ms"),
            (69_249, "69.2 ms"),
            (99_960, "100 ms"),
            (690_400, "690 ms"),
            (999_600, "1 s"),
            (3_021_000, "3.02 s"),
            (59_940_000, "59.9 s"),
            (59_960_000, "1 min"),
            (543_210_000, "9 min 3 s"),
            (600_000_000, "10 min"),
            (3_599_700_000, "1 h"),
            (7_380_000_000, "2 h 3 min"),
            (u64::MAX, "5124095576 h 2 min"),
        ] {
            assert_eq!(duration(us), expected, "{us}");
        }
    }

    #[test]
    fn an_axis_has_few_ticks_at_round_times() {
        for (span, most, expected) in [
            (0, 8, 1),
            (70, 8, 10),
            (69_200, 8, 10_000),
            (69_200, 4, 20_000),
            (1_000_000, 8, 200_000),
            (9_000_000, 8, 2_000_000),
            (75_000_000, 8, 10_000_000),
            (543_210_000, 8, 120_000_000),
            (543_210_000, 4, 120_000_000),
            (543_210_000, 3, 300_000_000),
            (36_000_000_000, 8, 7_200_000_000),
            (u64::MAX, 8, 2_305_843_012_800_000_000),
        ] {
            let step = tick_step(span, most);
            assert_eq!(step, expected, "{span}");
            assert!(span / step <= most, "{span}");
        }
    }
}
