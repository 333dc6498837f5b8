//! Token buckets, with which EC2 limits the requests for each action.
//!
//! Source: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>

use std::collections::BTreeMap;
use std::time::Instant;

/// The size of each bucket in tokens, and the number of tokens that it gets in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limit {
    pub size: f64,
    pub per_second: f64,
}

/// One bucket for each action.
#[derive(Debug)]
pub(crate) struct TokenBuckets {
    limit: Limit,
    /// The tokens in the bucket of each action at a time.
    buckets: BTreeMap<String, (f64, Instant)>,
}

impl TokenBuckets {
    /// Returns full buckets.
    pub fn new(limit: Limit) -> Self {
        Self { limit, buckets: BTreeMap::new() }
    }

    /// Takes a token for a request at `now`. Returns whether there was one.
    pub fn take(&mut self, action: &str, now: Instant) -> bool {
        let Limit { size, per_second } = self.limit;
        let (tokens, at) = self.buckets.entry(action.to_owned()).or_insert((size, now));
        let refill = now.saturating_duration_since(*at).as_secs_f64() * per_second;
        (*tokens, *at) = ((*tokens + refill).min(size), now);
        let has_token = *tokens >= 1.0;
        if has_token {
            *tokens -= 1.0;
        }
        has_token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_action_has_a_bucket_that_refills_to_its_size() {
        let mut buckets = TokenBuckets::new(Limit { size: 3.0, per_second: 2.0 });
        let start = Instant::now();
        let mut taken = |action, seconds: u64| {
            let now = start + Duration::from_secs(seconds);
            (0..5).filter(|_| buckets.take(action, now)).count()
        };
        assert_eq!(taken("DescribeSubnets", 0), 3);
        assert_eq!(taken("DescribeSecurityGroups", 0), 3);
        assert_eq!(taken("DescribeSubnets", 1), 2);
        assert_eq!(taken("DescribeSubnets", 60), 3);
    }
}
