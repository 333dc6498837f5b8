//! The texts about settings, for the help, the man pages and the reference.

use super::table::Setting;

/// Longest line of a help text, in characters, without its indentation.
const HELP_WIDTH: usize = 90;

/// The texts about a setting. They are rendered when they are needed, because a boot prints no help.
#[derive(Debug)]
pub struct Documentation {
    /// What the setting does, on one line.
    pub summary: String,
    /// Further documentation, one string for each paragraph.
    pub details: Vec<String>,
    /// The default: a TOML value, or a description if it depends on the node or the cluster.
    pub default: String,
    /// The TOML value that the reference shows behind the key.
    pub example: String,
    /// Every value with its meaning, for a setting that accepts a fixed set of values.
    pub choices: Vec<(String, String)>,
    pub(super) help: String,
    pub(super) long_help: String,
}

impl Setting {
    /// Returns the texts about the setting.
    #[must_use]
    pub fn documentation(&self) -> &Documentation {
        self.texts.get_or_init(|| {
            let mut details = paragraphs(self.lines);
            let summary = details.remove(0);
            let (default, example) = (self.default)();
            let help = format!("{summary} [default: {}]", default.trim_matches('"'));
            let choices = self.choices();
            let long_help = String::new();
            let mut texts =
                Documentation { summary, details, default, example, choices, help, long_help };
            let paragraphs = self.paragraphs_of(&texts);
            let wrapped: Vec<_> =
                paragraphs.iter().map(|it| wrap("", "", it, HELP_WIDTH)).collect();
            texts.long_help = wrapped.join("\n");
            texts
        })
    }

    fn choices(&self) -> Vec<(String, String)> {
        let choices = self.parser.possible_values().filter(|_| !self.switch);
        let named = choices.into_iter().flatten().map(|choice| {
            let meaning = choice.get_help().map(ToString::to_string).unwrap_or_default();
            (choice.get_name().to_owned(), meaning)
        });
        named.collect()
    }

    /// Returns the complete documentation for `--help` and the man pages, each paragraph on one
    /// line.
    #[must_use]
    pub fn paragraphs(&self) -> Vec<String> {
        self.paragraphs_of(self.documentation())
    }

    fn paragraphs_of(&self, texts: &Documentation) -> Vec<String> {
        let mut paragraphs = vec![format!("{}.", texts.summary)];
        paragraphs.extend(texts.details.iter().cloned());
        if !self.values.is_empty() {
            paragraphs.push(format!("Values: {}.", self.values));
        } else if !texts.choices.is_empty() {
            paragraphs.push("Values:".to_owned());
            let choices = texts.choices.iter();
            paragraphs.extend(choices.map(|(value, meaning)| format!("- {value}: {meaning}")));
        }
        paragraphs.push(format!("Default: {}.", texts.default.trim_matches('"')));
        paragraphs.push(format!("Variable: {}", self.variable));
        paragraphs
    }
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
    let mut text = first.to_owned();
    let mut length = first.chars().count();
    for word in paragraph.split(' ') {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > width {
            text.push('\n');
            text.push_str(next);
            length = next.chars().count();
        }
        if length > 0 {
            text.push(' ');
            length += 1;
        }
        text.push_str(word);
        length += word_length;
    }
    text
}
