//! What the tests do with a block.

use crate::page::{Block, Comment};

/// The languages whose blocks a parser reads. `text` is read if it is user data
/// or the synopsis of a command.
pub const PARSED: [&str; 8] = ["sh", "toml", "yaml", "json", "hcl", "ini", "jq", "text"];

/// What the tests do with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Treatment {
    /// Run its commands; compare the output of a `console` block.
    Run,
    /// Compare it with a file of the repository.
    Compared,
    /// Parse it.
    Parsed,
    /// Parse the commands of a `console` block; otherwise require that the parser rejects it.
    NotRun,
}

/// Returns whether a text block is user data or a part of it.
pub fn is_user_data(text: &str) -> bool {
    text.starts_with("MIME-Version:") || text.starts_with("--BOUNDARY\n")
}

/// Returns whether each line of a text block is the synopsis of a command, such as `eni-bootstrap run [OPTIONS]`.
pub fn is_synopsis(text: &str) -> bool {
    let is_command =
        |line: &str| line.starts_with("eni-bootstrap ") || line.starts_with("kubectl eni ");
    !text.is_empty() && text.lines().all(is_command) && text.contains('[')
}

/// Returns what the tests do with a block. An error is a help text for the author.
pub fn treatment(block: &Block) -> Result<Treatment, String> {
    let language = block.language.as_str();
    let fail = |message: &str| Err(format!("{}: {message}", block.position()));
    if language.is_empty() {
        return fail("this code block has no language; write it after the fence, such as ```sh");
    }
    if language != "console" && !PARSED.contains(&language) {
        let known = PARSED.join(", ");
        return fail(&format!("unknown language {language:?}; use one of console, {known}"));
    }
    match &block.comment {
        Some(Comment::NotRun(reason)) if reason.is_empty() => {
            fail("`not run:` has no reason; write, for example, <!-- not run: needs a cluster -->")
        }
        Some(Comment::NotRun(_)) if language == "text" && is_user_data(&block.text) => {
            fail("user data is parsed; remove the comment")
        }
        Some(Comment::NotRun(_)) => Ok(Treatment::NotRun),
        Some(Comment::SameAs(_)) => Ok(Treatment::Compared),
        Some(Comment::Run) if language == "sh" => Ok(Treatment::Run),
        Some(Comment::Run) => fail("`run` is only for sh blocks"),
        None if language == "console" => Ok(Treatment::Run),
        None if language == "text" && !is_user_data(&block.text) && !is_synopsis(&block.text) => {
            fail(
                "a text block needs a comment above it: <!-- not run: REASON --> or <!-- same as: PATH -->",
            )
        }
        None => Ok(Treatment::Parsed),
    }
}

#[test]
fn each_kind_of_block_has_its_treatment() {
    let of = |language: &str, comment: Option<Comment>, text: &str| {
        let (page, language, text) = ("p.md".to_owned(), language.to_owned(), text.to_owned());
        treatment(&Block { page, line: 7, language, comment, text })
    };
    let not_run = || Some(Comment::NotRun("diagram".into()));
    assert_eq!(of("sh", None, ""), Ok(Treatment::Parsed));
    assert_eq!(of("sh", Some(Comment::Run), ""), Ok(Treatment::Run));
    assert_eq!(of("console", None, ""), Ok(Treatment::Run));
    assert_eq!(of("console", not_run(), ""), Ok(Treatment::NotRun));
    assert_eq!(of("text", not_run(), ""), Ok(Treatment::NotRun));
    assert_eq!(of("text", Some(Comment::SameAs("a".into())), ""), Ok(Treatment::Compared));
    assert_eq!(of("text", None, "kubectl eni check [OPTIONS]\n"), Ok(Treatment::Parsed));
    assert_eq!(of("text", None, "MIME-Version: 1.0\n"), Ok(Treatment::Parsed));
    for (language, comment, text) in [
        ("", None, ""),
        ("rust", None, ""),
        ("text", None, "a diagram"),
        ("text", not_run(), "--BOUNDARY\n"),
        ("text", Some(Comment::NotRun(String::new())), ""),
        ("yaml", Some(Comment::Run), ""),
    ] {
        let error = of(language, comment, text).unwrap_err();
        assert!(error.starts_with("p.md:7: "), "{error}");
    }
}
