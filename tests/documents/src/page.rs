//! The Markdown pages and their fenced code blocks.

mod fence;
mod tests;

use crate::repository;
use fence::Fence;
use std::fs;
use std::path::Path;

/// The pages and the folders of pages.
const PLACES: [&str; 10] = [
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "RELEASE.md",
    "ami",
    "docs",
    "examples",
    "packaging",
    "systemd",
    "tests/real",
];

/// A fenced code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The path of the page in the repository.
    pub page: String,
    /// The line of the opening fence, starting at 1.
    pub line: usize,
    /// The language after the fence; empty without a language.
    pub language: String,
    /// The comment above the block.
    pub comment: Option<Comment>,
    /// The lines of the block without their common indentation.
    pub text: String,
}

impl Block {
    /// Returns the position of the block in messages, such as `README.md:39`.
    pub fn position(&self) -> String {
        format!("{}:{}", self.page, self.line)
    }
}

/// A hidden comment above a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comment {
    /// `<!-- run -->`: the script runs.
    Run,
    /// `<!-- same as: PATH -->`: the block shows lines of this file in the repository.
    SameAs(String),
    /// `<!-- not run: REASON -->`: the block cannot run in a test.
    NotRun(String),
}

impl Comment {
    /// Parses a line of a page. Returns `None` for every other line.
    fn parse(line: &str) -> Option<Self> {
        let comment = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
        if comment == "run" {
            return Some(Self::Run);
        }
        let (key, value) = comment.split_once(':')?;
        let value = value.trim().to_owned();
        match key.trim() {
            "same as" => Some(Self::SameAs(value)),
            "not run" => Some(Self::NotRun(value)),
            _ => None,
        }
    }
}

/// Returns the blocks of a page and the problems with fences and comments.
pub fn blocks_of(page: &str, text: &str) -> (Vec<Block>, Vec<String>) {
    let (mut blocks, mut problems) = (Vec::new(), Vec::new());
    let mut open: Option<(Fence, Block)> = None;
    let mut pending: Option<(usize, Comment)> = None;
    for (line, number) in text.lines().zip(1..) {
        if let Some((fence, block)) = &mut open {
            if fence.is_closed_by(line) {
                blocks.extend(open.take().map(|(_, block)| block));
            } else {
                block.text += fence.content(line);
                block.text.push('\n');
            }
            continue;
        }
        let above = pending.take();
        if let Some((fence, language)) = Fence::parse(line) {
            let comment = above.map(|(_, comment)| comment);
            let (page, language) = (page.to_owned(), language.to_owned());
            open =
                Some((fence, Block { page, line: number, language, comment, text: String::new() }));
        } else if line.trim().is_empty() {
            pending = above;
        } else {
            if let Some((number, _)) = above {
                problems.push(format!("{page}:{number}: this comment is not above a code block"));
            }
            pending = Comment::parse(line).map(|comment| (number, comment));
        }
    }
    if let Some((_, block)) = open {
        problems.push(format!("{}: this code block has no end", block.position()));
    }
    if let Some((number, _)) = pending {
        problems.push(format!("{page}:{number}: this comment is not above a code block"));
    }
    (blocks, problems)
}

/// Returns the paths of all pages in the repository, sorted.
pub fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    let mut places: Vec<String> = PLACES.iter().map(|&place| place.to_owned()).collect();
    while let Some(place) = places.pop() {
        if let Ok(entries) = fs::read_dir(repository(&place)) {
            let names = entries.map(|entry| entry.unwrap().file_name());
            places.extend(names.map(|name| format!("{place}/{}", name.to_string_lossy())));
        } else if Path::new(&place).extension().is_some_and(|it| it == "md")
            && repository(&place).exists()
        {
            pages.push(place);
        }
    }
    pages.sort();
    pages
}

/// Returns the blocks of all pages and the problems with fences and comments.
pub fn all_blocks() -> (Vec<Block>, Vec<String>) {
    let (mut blocks, mut problems) = (Vec::new(), Vec::new());
    for page in pages() {
        let (of_page, problems_of_page) = blocks_of(&page, &crate::text_of(&page));
        blocks.extend(of_page);
        problems.extend(problems_of_page);
    }
    (blocks, problems)
}
