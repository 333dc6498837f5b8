use super::{Block, Comment, blocks_of};

fn block(line: usize, language: &str, comment: Option<Comment>, text: &str) -> Block {
    let (page, language, text) = ("p.md".to_owned(), language.to_owned(), text.to_owned());
    Block { page, line, language, comment, text }
}

#[test]
fn blocks_have_their_language_comment_and_text() {
    let page = "# Page\n\n```sh\nmake\n```\n\n1. item:\n\n   <!-- not run: diagram -->\n\n   ```text\n   a\n     b\n\n   ```\n\n<!-- same as: a/b.txt -->\n````console\n```\n````\n";
    let expected = vec![
        block(3, "sh", None, "make\n"),
        block(11, "text", Some(Comment::NotRun("diagram".into())), "a\n  b\n\n"),
        block(18, "console", Some(Comment::SameAs("a/b.txt".into())), "```\n"),
    ];
    assert_eq!(blocks_of("p.md", page), (expected, Vec::new()));
}

#[test]
fn comments_without_a_block_and_open_fences_are_problems() {
    let page = "<!-- run -->\ntext\n<!-- other: comment -->\n<!-- run -->\n\n```\n";
    let problems =
        ["p.md:1: this comment is not above a code block", "p.md:6: this code block has no end"];
    assert_eq!(blocks_of("p.md", page).1, problems);
    assert_eq!(
        blocks_of("p.md", "<!-- run -->\n").1,
        ["p.md:1: this comment is not above a code block"]
    );
}

#[test]
fn a_line_of_inline_code_is_no_fence() {
    assert_eq!(blocks_of("p.md", "```a``` and `b`\n"), (Vec::new(), Vec::new()));
}
