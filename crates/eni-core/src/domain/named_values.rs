//! Settings with a fixed set of values.

/// Defines an enum with the name of each value in settings files, flags, variables and JSON. The
/// doc comments of the values are their help texts.
macro_rules! named_values {
    (
        $(#[doc = $enum_doc:literal])+
        $enum:ident {
            // `$default` is always empty: a repetition must contain a variable.
            $($(#[doc = $doc:literal])+ $(#[default $($default:tt)?])? $value:ident = $name:literal,)+
        }
    ) => {
        $(#[doc = $enum_doc])+
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[allow(clippy::doc_markdown, reason = "the help prints these comments")]
        pub enum $enum { $($(#[doc = $doc])+ $(#[default $($default)?])? $value,)+ }

        impl $enum {
            const NAMES: &[&str] = &[$($name),+];

            /// Returns the name of the value in settings files, flags, variables and JSON.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $name,)+ }
            }
        }

        impl clap::ValueEnum for $enum {
            fn value_variants<'a>() -> &'a [Self] {
                &[$(Self::$value),+]
            }

            fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
                let help = match self { $(Self::$value => concat!($($doc),+),)+ };
                let help = help.trim().trim_end_matches('.');
                Some(clap::builder::PossibleValue::new(self.name()).help(help))
            }
        }

        impl serde::Serialize for $enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name: String = serde::Deserialize::deserialize(deserializer)?;
                match name.as_str() {
                    $($name => Ok(Self::$value),)+
                    _ => Err(serde::de::Error::unknown_variant(&name, Self::NAMES)),
                }
            }
        }
    };
}
pub(crate) use named_values;
