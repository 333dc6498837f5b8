//! The string types of the settings model, with their validation and error messages.
//!
//! Source: `bottlerocket-settings-models/modeled-types/src/`, bottlerocket-os/bottlerocket-settings-sdk.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex_lite::Regex;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::net::IpAddr;

/// The three formats of a quantity. The error message contains this pattern with its line breaks.
const QUANTITY: &str = r"(?x)
        ^([+-]?[0-9.]+)((e)?[0-9]*)$ |
        ^([+-]?[0-9.]+)((E|P|T|G|M|K)i?)?$ |
        ^([+-]?[0-9.]+)(n|u|m|k)?$
   ";
const NAME_PART: &str = "[[:alnum:]](([[:alnum:]._-]{0,61})?[[:alnum:]])?";

macro_rules! scalars {
    ($($(#[$doc:meta])* $name:ident: $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub(super) struct $name(String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text).map(|()| Self(text)).map_err(|why| {
                    let name = stringify!($name);
                    D::Error::custom(format!("Unable to deserialize into {name}: {why}"))
                })
            }
        }
    )*};
}

scalars! {
    /// The key of a label or a taint.
    KubernetesLabelKey: |text| {
        let pattern = format!("^([[:alnum:].-]{{1,253}}/)?{NAME_PART}$");
        ensure(matches(&pattern, text), || format!("Kubernetes label key given invalid input: {text}"))
    };
    /// The value of a label.
    KubernetesLabelValue: |text| {
        let pattern = format!("^({NAME_PART})?$");
        ensure(matches(&pattern, text), || format!("Kubernetes label value given invalid input: {text}"))
    };
    /// The value and the effect of a taint, as `value:Effect`.
    KubernetesTaintValue: |text| {
        let pattern = format!("^({NAME_PART})?:[[:alnum:]]{{1,253}}$");
        ensure(matches(&pattern, text), || format!("Kubernetes taint value given invalid input: {text}"))
    };
    /// The name of an EKS cluster.
    KubernetesClusterName: |text| {
        ensure(!text.is_empty(), || "Given invalid cluster name '': must not be empty".to_owned())?;
        ensure(matches(r"^[0-9A-Za-z][A-Za-z0-9\-_]{0,99}$", text), || {
            format!("Kubernetes cluster name given invalid input: {text}")
        })
    };
    /// `aws` or `tls`.
    KubernetesAuthenticationMode: |text| {
        ensure(matches!(text, "aws" | "tls"), || {
            format!("Invalid Kubernetes authentication mode '{text}'")
        })
    };
    /// A kubelet bootstrap token, such as `abcdef.0123456789abcdef`.
    KubernetesBootstrapToken: |text| {
        let pattern = r"^[a-z0-9]{6}\.[a-z0-9]{16}$";
        ensure(matches(pattern, text), || {
            format!("Kubernetes bootstrap token must match '{pattern}', given: {text}")
        })
    };
    /// `aws`, `external`, or empty.
    KubernetesCloudProvider: |text| {
        ensure(matches!(text, "aws" | "external" | "" | "\"\""), || {
            format!("Invalid Kubernetes cloud provider '{text}'")
        })
    };
    /// A resource that can be reserved. Newer versions also support `pid`.
    KubernetesReservedResourceKey: |text| {
        ensure(matches!(text, "cpu" | "memory" | "ephemeral-storage"), || {
            format!("Invalid input for field Reserved sources key: unknown variant `{text}`, expected one of `cpu`, `memory`, `ephemeral-storage`")
        })
    };
    /// A quantity, such as `475Mi`.
    KubernetesQuantityValue: |text| {
        ensure(matches(QUANTITY, text), || {
            format!("Kubernetes quantity must match '{QUANTITY}', given: {text}")
        })
    };
    /// A lowercase host name.
    ValidLinuxHostname: |text| {
        ensure(matches("^[0-9a-z.-]{1,253}$", text), || {
            format!("Invalid hostname '{text}': must only be [0-9a-z.-], and 1-253 chars long")
        })?;
        ensure(!text.starts_with(['-', '.']), || {
            format!("Invalid hostname '{text}': must not start with '-' or '.'")
        })
    };
    /// Base64 with padding.
    ValidBase64: |text| {
        STANDARD.decode(text).map(drop).map_err(|why| format!("Invalid base64 input: {why}"))
    };
    /// A URL. The real model parses it. This one only rejects empty strings and white space.
    Url: |text| {
        ensure(!text.is_empty() && !text.contains(char::is_whitespace), || {
            format!("Given invalid URL '{text}'")
        })
    };
    /// A name that consists of letters, digits and hyphens.
    Identifier: |text| {
        ensure(matches("^[0-9A-Za-z-]+$", text), || {
            format!("Identifiers may only contain ASCII alphanumerics plus hyphens, received '{text}'")
        })
    };
    /// When a bootstrap container runs.
    BootstrapMode: |text| {
        ensure(matches!(text, "always" | "once" | "off"), || format!("Invalid bootstrap mode '{text}'"))
    };
    /// One line of text.
    SingleLineString: |text| {
        ensure(!text.contains(['\n', '\r']), || {
            "Can't create SingleLineString containing line terminator".to_owned()
        })
    };
    /// The IP address of a node.
    KubernetesNodeIp: |text| {
        text.parse::<IpAddr>().map(drop).map_err(|why| why.to_string())
    };
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).expect("a valid pattern").is_match(text)
}
