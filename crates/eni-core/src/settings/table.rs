//! Turns the definitions of the settings into types, flags and documentation.

use super::Settings;
use clap::builder::ValueParser;
use std::sync::LazyLock;

/// Longest line of a help text, in characters, without its indentation.
const HELP_WIDTH: usize = 90;

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
    /// What the setting does, on one line.
    pub summary: String,
    /// Further documentation, one string for each paragraph.
    pub details: Vec<String>,
    /// The default: a TOML value, or a description if it depends on the node or the cluster.
    pub default: String,
    /// The TOML value that the reference shows behind the key.
    pub example: String,
    /// Description of the values; empty for plain text, and if `choices` lists the values.
    pub values: &'static str,
    /// Every value with its meaning, for a setting that accepts a fixed set of values.
    pub choices: Vec<(String, String)>,
    /// Whether `-h` lists the flag. `--help` lists every flag.
    pub essential: bool,
    /// A second name of the flag that `--help` does not list.
    pub alias: Option<&'static str>,
    /// Whether the flag without a value means `true`.
    pub switch: bool,
    pub(super) parser: ValueParser,
    pub(super) help: String,
    pub(super) long_help: String,
}

/// A group of settings: one table of a settings file.
#[derive(Debug)]
pub struct Section {
    /// Name of the table, such as `eni-config`.
    pub name: String,
    /// What the settings of the section have in common, one string for each paragraph.
    pub details: Vec<String>,
    /// The settings in the order of their definition.
    pub settings: Vec<Setting>,
}

/// The parts of an entry of `definition.rs`.
pub(super) struct Definition {
    pub section: &'static str,
    pub key: &'static str,
    pub lines: &'static [&'static str],
    pub value_name: &'static str,
    pub default: (String, String),
    pub values: &'static str,
    pub parser: ValueParser,
    pub options: &'static [&'static str],
    pub switch: bool,
}

impl Definition {
    pub(super) fn setting(self) -> Setting {
        let Self { section, key, lines, value_name, default, values, parser, options, switch } =
            self;
        let (default, example) = default;
        let key = key_of(section, key);
        let flag = key.replace('.', "-");
        let variable = format!("ENI_BOOTSTRAP_{}", flag.replace('-', "_").to_uppercase());
        let mut details = paragraphs(lines);
        let summary = details.remove(0);
        let choices = match parser.possible_values() {
            Some(choices) if !switch => choices
                .map(|choice| {
                    let meaning = choice.get_help().map(ToString::to_string).unwrap_or_default();
                    (choice.get_name().to_owned(), meaning)
                })
                .collect(),
            _ => Vec::new(),
        };
        let help = format!("{summary} [default: {}]", default.trim_matches('"'));
        let mut setting = Setting {
            key,
            flag,
            variable,
            value_name,
            summary,
            details,
            default,
            example,
            values,
            choices,
            essential: options.contains(&"essential"),
            alias: options.iter().find_map(|option| option.strip_prefix("alias ")),
            switch,
            parser,
            help,
            long_help: String::new(),
        };
        let paragraphs = setting.paragraphs();
        let wrapped: Vec<_> = paragraphs.iter().map(|it| wrap("", "", it, HELP_WIDTH)).collect();
        setting.long_help = wrapped.join("\n");
        setting
    }
}

/// Returns the key of the setting `name` in `section`, both written as Rust identifiers. The
/// setting of `[labels]` is the whole table and has no name.
pub(super) fn key_of(section: &str, name: &str) -> String {
    let key = if name.is_empty() { section.to_owned() } else { format!("{section}.{name}") };
    key.replace('_', "-")
}

/// Returns the paragraphs of a doc comment, each on one line.
pub(super) fn paragraphs(lines: &[&str]) -> Vec<String> {
    let paragraphs = lines.split(|line| line.trim().is_empty());
    paragraphs
        .map(|lines| lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "))
        .collect()
}

/// Returns `paragraph` in lines of at most `width` characters. The first line starts with `first`,
/// the others with `next`.
pub(super) fn wrap(first: &str, next: &str, paragraph: &str, width: usize) -> String {
    let mut lines = vec![first.to_owned()];
    for word in paragraph.split(' ') {
        if let Some(line) = lines.last_mut() {
            let is_start = line.is_empty();
            if is_start || line.chars().count() + 1 + word.chars().count() <= width {
                line.push_str(if is_start { "" } else { " " });
                line.push_str(word);
                continue;
            }
        }
        let space = if next.is_empty() { "" } else { " " };
        lines.push(format!("{next}{space}{word}"));
    }
    lines.join("\n")
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

impl Setting {
    /// Returns the complete documentation for `--help` and the man pages, each paragraph on one
    /// line.
    #[must_use]
    pub fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = vec![format!("{}.", self.summary)];
        paragraphs.extend(self.details.iter().cloned());
        if !self.values.is_empty() {
            paragraphs.push(format!("Values: {}.", self.values));
        } else if !self.choices.is_empty() {
            paragraphs.push("Values:".to_owned());
            let choices = self.choices.iter();
            paragraphs.extend(choices.map(|(value, meaning)| format!("- {value}: {meaning}")));
        }
        paragraphs.push(format!("Default: {}.", self.default.trim_matches('"')));
        paragraphs.push(format!("Variable: {}", self.variable));
        paragraphs
    }
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
                        details: table::paragraphs(&[$($section_doc),+]),
                        settings: vec![$(Definition {
                            section: stringify!($section),
                            key: stringify!($key),
                            lines: &[$($doc),+],
                            value_name: $value_name,
                            default: $crate::settings::table::settings!(@text $kind($($argument)*)),
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
