//! Turns the definitions of the settings into types, flags and documentation.

use super::Settings;
use super::documentation::{Documentation, paragraphs};
use clap::builder::ValueParser;
use std::sync::{LazyLock, OnceLock};

/// One setting with its three names and its documentation.
#[derive(Debug)]
pub struct Setting {
    /// Key in a settings file, such as `pods.max`; also the id of the command-line argument.
    pub key: String,
    /// Flag without the dashes, such as `pods-max`.
    pub flag: String,
    /// Environment variable, such as `ENI_BOOTSTRAP_PODS_MAX`.
    pub variable: String,
    /// Placeholder of the value in `--help`.
    pub value_name: &'static str,
    /// Description of the values; empty for plain text, and if the choices list the values.
    pub values: &'static str,
    /// Whether `-h` lists the flag. `--help` lists every flag.
    pub essential: bool,
    /// A second name of the flag that `--help` does not list.
    pub alias: Option<&'static str>,
    /// Whether the flag without a value means `true`.
    pub switch: bool,
    pub(super) parser: ValueParser,
    pub(super) lines: &'static [&'static str],
    pub(super) default: fn() -> (String, String),
    pub(super) texts: OnceLock<Documentation>,
}

/// A group of settings: one table of a settings file.
#[derive(Debug)]
pub struct Section {
    /// Name of the table, such as `eni-config`.
    pub name: String,
    /// The settings in the order of their definition.
    pub settings: Vec<Setting>,
    pub(super) lines: &'static [&'static str],
}

impl Section {
    /// Returns what the settings of the section have in common, one string for each paragraph.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        paragraphs(self.lines)
    }
}

/// The parts of an entry of `definition.rs`.
pub(super) struct Definition {
    pub section: &'static str,
    pub key: &'static str,
    pub lines: &'static [&'static str],
    pub value_name: &'static str,
    pub default: fn() -> (String, String),
    pub values: &'static str,
    pub parser: ValueParser,
    pub options: &'static [&'static str],
    pub switch: bool,
}

impl Definition {
    pub(super) fn setting(self) -> Setting {
        let Self { section, key, lines, value_name, default, values, parser, options, switch } =
            self;
        let key = key_of(section, key);
        let flag = key.replace('.', "-");
        let mut variable = "ENI_BOOTSTRAP_".to_owned();
        let letters = flag.bytes().map(|it| if it == b'-' { b'_' } else { it });
        variable.extend(letters.map(|it| char::from(it.to_ascii_uppercase())));
        Setting {
            key,
            flag,
            variable,
            value_name,
            values,
            essential: options.contains(&"essential"),
            alias: options.iter().find_map(|option| option.strip_prefix("alias ")),
            switch,
            parser,
            lines,
            default,
            texts: OnceLock::new(),
        }
    }
}

/// Returns the key of the setting `name` in `section`, both written as Rust identifiers. The
/// setting of `[labels]` is the whole table and has no name.
pub(super) fn key_of(section: &str, name: &str) -> String {
    let key = if name.is_empty() { section.to_owned() } else { format!("{section}.{name}") };
    key.replace('_', "-")
}

static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(Settings::sections);

/// Returns every section in the order of the reference.
#[must_use]
pub fn sections() -> &'static [Section] {
    &SECTIONS
}

/// Returns every setting in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    sections().iter().flat_map(|section| &section.settings)
}

/// Defines the settings. Each entry of a section reads
///
/// ```text
/// /// Summary on one line
/// ///
/// /// Further paragraphs.
/// KEY: TYPE = "VALUE_NAME", default(EXPRESSION), "OPTION", …;
/// ```
///
/// `default(EXPRESSION)` also generates a method KEY that returns the setting or its default. A
/// setting whose default depends on the node or the cluster has
/// `unset("what applies without it", "example of a TOML value")` instead. The options are
/// `essential` (`-h` lists the flag) and `alias NAME`.
macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $type:ty = $value_name:literal, $kind:ident($($argument:tt)*) $(, $option:literal)*;
            )+
        }
    )+) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
            #[cfg_attr(test, derive(schemars::JsonSchema))]
            #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
            pub struct $Section { $($(#[doc = $doc])+ pub $key: Option<$type>,)+ }

            impl $Section {
                fn over(self, below: Self) -> Self {
                    Self { $($key: self.$key.or(below.$key),)+ }
                }

                fn from_matches(matches: &ArgMatches) -> Self {
                    Self { $($key: value_of::<$type>(matches, stringify!($section), stringify!($key)),)+ }
                }

                $($crate::settings::table::settings!(@method $(#[doc = $doc])+ $key: $type, $kind($($argument)*));)+
            }
        )+

        /// Settings of one source, or of several sources merged. Every key may be absent.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
        pub struct Settings {
            $($(#[doc = $section_doc])+ pub $section: $Section,)+
            /// Additional node labels.
            pub labels: LabelMap,
        }

        impl Settings {
            /// Returns the settings of both, where `self` overrides `below` key by key.
            #[must_use]
            pub fn over(self, below: Self) -> Self {
                Self {
                    $($section: self.$section.over(below.$section),)+
                    labels: self.labels.over(below.labels),
                }
            }

            pub(super) fn from_matches(matches: &ArgMatches) -> Self {
                Self {
                    $($section: $Section::from_matches(matches),)+
                    labels: value_of(matches, "labels", "").unwrap_or_default(),
                }
            }

            pub(super) fn sections() -> Vec<Section> {
                vec![
                    $(Section {
                        name: table::key_of(stringify!($section), ""),
                        lines: &[$($section_doc),+],
                        settings: vec![$(Definition {
                            section: stringify!($section),
                            key: stringify!($key),
                            lines: &[$($doc),+],
                            value_name: $value_name,
                            default: || $crate::settings::table::settings!(@text $kind($($argument)*)),
                            values: <$type as SettingType>::VALUES,
                            parser: ValueParser::from(clap::value_parser!($type)),
                            options: &[$($option),*],
                            switch: TypeId::of::<$type>() == TypeId::of::<bool>(),
                        }.setting(),)+],
                    },)+
                    labels(),
                ]
            }
        }
    };
    (@method $(#[doc = $doc:literal])+ $key:ident: $type:ty, default($default:expr)) => {
        $(#[doc = $doc])+
        #[must_use]
        pub fn $key(&self) -> $type {
            self.$key.clone().unwrap_or_else(|| $default)
        }
    };
    (@method $(#[doc = $doc:literal])+ $key:ident: $type:ty, unset($text:literal, $example:literal)) => {};
    (@text default($default:expr)) => {{
        let default = toml_value(&$default);
        (default.clone(), default)
    }};
    (@text unset($text:literal, $example:literal)) => {
        ($text.to_owned(), $example.to_owned())
    };
}
pub(super) use settings;

/// Returns `value` as TOML. JSON writes numbers, booleans and short text in the same way.
pub(super) fn toml_value(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
