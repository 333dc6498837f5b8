//! Credentials that several clients use at the start of a command.

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The time for which credentials are reused. It covers the requests at the start of a command. Later requests get
/// new credentials, because the role of the instance may have been corrected.
const REUSE: Duration = Duration::from_mins(1);
/// Credentials that expire within this time are not reused.
const MARGIN: Duration = Duration::from_mins(5);

/// The credentials of another provider. Requests at the same time share one response.
pub(super) struct CachedCredentials<P> {
    provider: P,
    held: Mutex<Option<(Credentials, Instant)>>,
}

impl<P> CachedCredentials<P> {
    pub(super) fn new(provider: P) -> Self {
        Self { provider, held: Mutex::default() }
    }
}

/// Omits the credentials.
impl<P: fmt::Debug> fmt::Debug for CachedCredentials<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = &self.provider;
        formatter
            .debug_struct("CachedCredentials")
            .field("provider", provider)
            .finish_non_exhaustive()
    }
}

impl<P: ProvideCredentials> CachedCredentials<P> {
    async fn credentials(&self) -> Result {
        let mut held = self.held.lock().await;
        if let Some((credentials, received)) = &*held
            && is_reusable(credentials, received.elapsed())
        {
            return Ok(credentials.clone());
        }
        *held = None;
        let credentials = self.provider.provide_credentials().await?;
        Ok(held.insert((credentials, Instant::now())).0.clone())
    }
}

/// Returns whether credentials that were received `age` ago may be used for another request.
fn is_reusable(credentials: &Credentials, age: Duration) -> bool {
    let expiry = credentials.expiry();
    age < REUSE && expiry.is_none_or(|expiry| SystemTime::now() + MARGIN < expiry)
}

impl<P: ProvideCredentials> ProvideCredentials for CachedCredentials<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::provider::error::CredentialsError;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Fails at the first request, and then returns another key at each request.
    #[derive(Debug, Default)]
    struct Rotating {
        requests: AtomicU32,
        expires_in: Option<Duration>,
    }

    impl ProvideCredentials for Rotating {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.requests.fetch_add(1, Ordering::Relaxed);
            let expires = self.expires_in.map(|time| SystemTime::now() + time);
            future::ProvideCredentials::ready(match number {
                0 => Err(CredentialsError::unhandled("not yet")),
                number => Ok(Credentials::new(format!("AK{number}"), "", None, expires, "test")),
            })
        }
    }

    async fn key(cached: &CachedCredentials<Rotating>) -> Option<String> {
        let credentials = cached.provide_credentials().await.ok()?;
        Some(credentials.access_key_id().to_owned())
    }

    #[test]
    fn credentials_are_reused_for_a_minute() {
        let credentials = Credentials::new("AK1", "", None, None, "test");
        assert!(is_reusable(&credentials, Duration::from_secs(59)));
        assert!(!is_reusable(&credentials, Duration::from_mins(1)));
    }

    #[tokio::test]
    async fn credentials_that_expire_soon_are_not_reused() {
        for (minutes, expected) in [(1, "AK2"), (30, "AK1")] {
            let expires_in = Some(Duration::from_mins(minutes));
            let cached = CachedCredentials::new(Rotating { expires_in, ..Rotating::default() });
            assert_eq!(key(&cached).await, None);
            assert_eq!(key(&cached).await.as_deref(), Some("AK1"));
            assert_eq!(key(&cached).await.as_deref(), Some(expected), "{minutes} min");
        }
    }
}
