//! Validated identifiers.
//!
//! Identifiers are written to files that a shell, systemd or the kubelet reads. Each type therefore
//! accepts only text without spaces, quotes, line breaks and leading dashes.

/// Maximum length: the limit of a label value, which no EC2 identifier exceeds.
const LONGEST: usize = 63;

/// Text that is not a valid identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}")]
pub struct InvalidIdentifier {
    /// The kind of identifier with its article, such as `an availability zone`.
    pub what: &'static str,
    /// The text, truncated to [`LONGEST`] characters.
    pub text: String,
}

impl InvalidIdentifier {
    /// Creates the error and truncates `text`: a hostile response may be megabytes long.
    #[must_use]
    pub fn new(what: &'static str, text: &str) -> Self {
        let mut truncated: String = text.chars().take(LONGEST).collect();
        if truncated.len() < text.len() {
            truncated.push('…');
        }
        Self { what, text: truncated }
    }
}

/// Returns whether `text` starts and ends with a lowercase letter or a digit and contains only
/// these, `-` and the characters in `also`.
pub(crate) fn is_plain(text: &str, also: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= LONGEST
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && bytes.iter().all(|byte| plain(byte) || *byte == b'-' || also.contains(byte))
}

/// Defines a type for text. Its module implements `FromStr`, so that the type holds only valid
/// text.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_type;

/// Defines a text type whose `FromStr` accepts only text for which `$rule` is true.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:expr) => {
        $crate::domain::identifier::text_type! { $(#[$doc])* $name }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::identifier::InvalidIdentifier;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let rule: fn(&str) -> bool = $rule;
                if rule(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::domain::identifier::InvalidIdentifier::new($what, text))
                }
            }
        }
    };
}
pub(crate) use identifier;

identifier! {
    /// An EC2 instance type, such as `m5.large`.
    InstanceType, "an instance type (such as m5.large)",
    |text| is_plain(text, b".") && text.bytes().filter(|byte| *byte == b'.').count() == 1
}

identifier! {
    /// An EC2 instance id, such as `i-0123456789abcdef0`.
    InstanceId, "an instance id (i-…)", |text| is_resource(text, "i-")
}

identifier! {
    /// A VPC id, such as `vpc-0123456789abcdef0`.
    VpcId, "a VPC id (vpc-…)", |text| is_resource(text, "vpc-")
}

identifier! {
    /// A subnet id, such as `subnet-0123456789abcdef0`.
    SubnetId, "a subnet id (subnet-…)", |text| is_resource(text, "subnet-")
}

identifier! {
    /// A security group id, such as `sg-0123456789abcdef0`.
    SecurityGroupId, "a security group id (sg-…)", |text| is_resource(text, "sg-")
}

identifier! {
    /// A network interface id, such as `eni-0123456789abcdef0`.
    InterfaceId, "a network interface id (eni-…)", |text| is_resource(text, "eni-")
}

identifier! {
    /// A network interface's MAC address, such as `02:00:00:00:00:01`.
    Mac, "a MAC address",
    |text| text.len() == 17 && text.bytes().enumerate().all(|(index, byte)| {
        if index % 3 == 2 { byte == b':' } else { byte.is_ascii_hexdigit() }
    })
}

/// Returns whether `text` is `prefix` followed by a short identifier.
fn is_resource(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| is_plain(rest, b""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_type_is_a_family_and_a_size() {
        for good in ["m5.large", "u-6tb1.112xlarge", "p6-b200.48xlarge", "c7i-flex.large"] {
            assert_eq!(good.parse::<InstanceType>().map(|t| t.to_string()), Ok(good.to_owned()));
        }
        for bad in
            ["", "m5", "m5..large", "m5.large ", "m5.large\n", "--flag.x", "M5.large", "<html>"]
        {
            let error = bad.parse::<InstanceType>().unwrap_err();
            assert_eq!(error, InvalidIdentifier::new("an instance type (such as m5.large)", bad));
        }
    }

    #[test]
    fn mac_addresses_and_resource_ids_are_checked() {
        assert_eq!("02:00:00:0a:bc:de".parse::<Mac>().unwrap().as_str(), "02:00:00:0a:bc:de");
        for bad in ["02:00:00:0a:bc", "02-00-00-0a-bc-de", "02:00:00:0a:bc:../"] {
            assert_eq!(bad.parse::<Mac>(), Err(InvalidIdentifier::new("a MAC address", bad)));
        }
        assert_eq!("vpc-0a".parse::<VpcId>().unwrap().to_string(), "vpc-0a");
        let error = "subnet-0a".parse::<VpcId>().unwrap_err();
        assert_eq!(error.to_string(), "\"subnet-0a\" is not a VPC id (vpc-…)");
    }

    #[test]
    fn a_long_text_is_truncated() {
        let error = InvalidIdentifier::new("short", &"x".repeat(1_000_000));
        assert_eq!(error.text.chars().count(), LONGEST + 1);
    }
}
