//! Which traits the types of secrets implement.

use crate::adapter::Context;
use crate::adapter::eks_token::{Token, sign_token};
use crate::adapter::https_proxy::Proxy;
use aws_credential_types::Credentials;
use eni_core::domain::proxy::ProxyUrl;
use eni_core::host::bottlerocket::{LiveSettings, SecretUrl};
use http::HeaderValue;
use secrecy::SecretString;
use serde::Serialize;
use std::fmt::Display;
use std::time::SystemTime;

/// Returns whether a type implements a trait, as a constant.
///
/// An inherent constant takes precedence over the constant of a trait, and exists only if the bound holds.
macro_rules! implements {
    ($type:ty: $trait:path) => {{
        #[allow(dead_code)]
        trait Fallback {
            const IMPLEMENTS: bool = false;
        }
        impl<T> Fallback for T {}
        struct Probe<T>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: $trait> Probe<T> {
            const IMPLEMENTS: bool = true;
        }
        <Probe<$type>>::IMPLEMENTS
    }};
}

pub(crate) use implements;

/// If one of these types gets the trait, the tests do not compile.
const _: () = {
    assert!(implements!(String: Display) && implements!(String: Serialize));
    assert!(!implements!(SecretString: Display) && !implements!(SecretString: Serialize));
    assert!(!implements!(HeaderValue: Display) && !implements!(HeaderValue: Serialize));
    assert!(!implements!(Token: Display) && !implements!(Token: Serialize));
    assert!(!implements!(SecretUrl: Display) && !implements!(SecretUrl: Serialize));
    assert!(!implements!(LiveSettings: Serialize) && !implements!(Context: Serialize));
    // The Display of this type omits the user and the password.
    assert!(implements!(ProxyUrl: Display) && !implements!(ProxyUrl: Serialize));
};

#[test]
fn the_debug_output_of_a_type_with_a_secret_omits_the_secret() {
    let secret = SecretString::from("hush");
    assert_eq!(format!("{secret:?}"), "SecretBox<str>([REDACTED])");
    let mut header = HeaderValue::from_static("hush");
    header.set_sensitive(true);
    assert_eq!(format!("{header:?}"), "Sensitive");
    let proxy = Proxy { url: "http://me:hush@proxy:3128".parse().unwrap(), no_proxy: Vec::new() };
    assert_eq!(format!("{proxy:?}"), "Proxy { url: ProxyUrl(http://proxy:3128), no_proxy: [] }");
    let intercept = proxy.intercept(&"https://k8s.internal".parse().unwrap()).unwrap();
    assert_eq!(format!("{intercept:?}"), "Intercept { uri: http://proxy:3128/ }");
    let credentials = Credentials::new("AKIDEXAMPLE", "hush", Some("hush".to_owned()), None, "it");
    let (region, now) = ("us-west-2".parse().unwrap(), SystemTime::UNIX_EPOCH);
    let token = sign_token(credentials, &region, "https://sts", "prod", now).unwrap();
    assert_eq!(
        format!("{token:?}"),
        "Token { expires: SystemTime { tv_sec: 840, tv_nsec: 0 }, .. }"
    );
    let live = LiveSettings::read("{}", r#"{"network": {"https-proxy": "http://me:hush@proxy"}}"#)
        .unwrap();
    assert_eq!(format!("{:?}", live.https_proxy), "Some(SecretUrl(SecretBox<str>([REDACTED])))");
}
