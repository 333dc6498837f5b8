//! The requests that determine the duration of a run.

use eni_core::run_result::Request;

/// Returns the indices of the requests on the critical path, in the order of time.
///
/// The path ends with the request that ended last. The predecessor of a request is the one with the latest end before
/// its start, so requests on the path never overlap. Between them, the program
/// computes, opens a connection, or waits before it sends a request again.
pub(in crate::report) fn critical_path(requests: &[Request]) -> Vec<usize> {
    let mut path = Vec::new();
    let mut by_end: Vec<usize> = (0..requests.len()).collect();
    by_end.sort_by_key(|index| requests.get(*index).map(Request::end_us));
    let mut before = u64::MAX;
    for index in by_end.into_iter().rev() {
        let Some(request) = requests.get(index) else { continue };
        // A request without a duration could otherwise precede itself.
        if request.end_us() <= before {
            before = request.start_us;
            path.push(index);
        }
    }
    path.reverse();
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::run_result::Service;

    fn request(start_us: u64, end_us: u64) -> Request {
        Request {
            service: Service::Imds,
            operation: String::new(),
            start_us,
            duration_us: end_us - start_us,
            result: "200".to_owned(),
        }
    }

    #[test]
    fn the_path_follows_the_request_with_the_latest_end_before_the_next_start() {
        let requests =
            [(0, 10), (10, 18), (10, 30), (31, 40), (35, 60), (41, 59)].map(|(a, b)| request(a, b));
        assert_eq!(critical_path(&requests), [0, 2, 4]);
        assert_eq!(critical_path(&[]), [] as [usize; 0]);
    }

    #[test]
    fn requests_on_the_path_do_not_overlap() {
        let requests: Vec<Request> =
            (0..50_u64).map(|n| request(n * 7 % 31, n * 7 % 31 + n % 5)).collect();
        let path = critical_path(&requests);
        for pair in path.windows(2) {
            assert!(requests[pair[0]].end_us() <= requests[pair[1]].start_us, "{pair:?}");
        }
    }
}
