//! The longest sequence of requests that did not overlap.

use super::Request;

/// Returns the largest number of requests of which each one started after the end of the one before it. A run cannot be
/// faster than this number of round trips, unless it sends requests earlier.
#[must_use]
pub(super) fn longest_sequence(requests: &[Request]) -> usize {
    let mut times: Vec<(u64, u64)> =
        requests.iter().map(|request| (request.end_us(), request.start_us)).collect();
    // The request that ends first leaves the most time for the others.
    times.sort_unstable();
    let mut end = 0;
    let mut count = 0;
    for (ends, starts) in times {
        if count == 0 || starts >= end {
            end = ends;
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_result::Service;

    fn requests(times: &[(u64, u64)]) -> Vec<Request> {
        let request = |&(start_us, duration_us): &(u64, u64)| Request {
            service: Service::Imds,
            operation: String::new(),
            start_us,
            duration_us,
            result: "200".to_owned(),
        };
        times.iter().map(request).collect()
    }

    #[test]
    fn requests_at_the_same_time_count_once() {
        for (times, expected) in [
            (&[][..], 0),
            (&[(0, 0)], 1),
            (&[(0, 10), (0, 10), (5, 10)], 1),
            (&[(0, 10), (10, 10), (20, 10)], 3),
            // A long request during three short ones.
            (&[(0, 100), (0, 10), (20, 10), (40, 10)], 3),
            // The order of the list has no effect.
            (&[(40, 10), (0, 10), (5, 20), (20, 10)], 3),
            (&[(0, u64::MAX), (1, u64::MAX)], 1),
        ] {
            assert_eq!(longest_sequence(&requests(times)), expected, "{times:?}");
        }
    }
}
