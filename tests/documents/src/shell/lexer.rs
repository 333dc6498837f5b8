//! Reads the characters of a script.

/// A position in a script, and the commands before it.
pub struct Lexer {
    characters: Vec<char>,
    at: usize,
    commands: Vec<Vec<String>>,
    /// The words of the current command.
    words: Vec<String>,
    /// The current word.
    word: Option<String>,
    /// Whether the current word is the target of a redirection.
    is_target: bool,
    /// The ends of the here-documents that begin after this line.
    here_documents: Vec<String>,
    /// Whether the current word is the end of a here-document.
    is_here_document: bool,
}

impl Lexer {
    pub fn new(script: &str) -> Self {
        Self {
            characters: script.chars().collect(),
            at: 0,
            commands: Vec::new(),
            words: Vec::new(),
            word: None,
            is_target: false,
            here_documents: Vec::new(),
            is_here_document: false,
        }
    }

    /// Returns the words of all commands.
    pub fn commands(mut self) -> Vec<Vec<String>> {
        self.read(None);
        self.commands
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += 1;
        next
    }

    fn push(&mut self, character: char) {
        self.word.get_or_insert_default().push(character);
    }

    /// Reads to the closing character `end`, or to the end of the script.
    fn read(&mut self, end: Option<char>) {
        while let Some(character) = self.next() {
            match character {
                ' ' | '\t' => self.end_word(),
                '\n' => self.end_line(),
                '#' if self.word.is_none() => {
                    while self.peek().is_some_and(|it| it != '\n') {
                        self.at += 1;
                    }
                }
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(other) => self.push(other),
                },
                '\'' => self.single_quotes(),
                '"' => self.double_quotes(),
                '$' => self.expansion(),
                '>' | '<' => self.redirection(character),
                ')' if end == Some(')') => break,
                ';' | '|' | '&' | '(' | ')' => self.end_command(),
                other => self.push(other),
            }
        }
        self.end_command();
    }

    fn single_quotes(&mut self) {
        self.word.get_or_insert_default();
        while let Some(character) = self.next().filter(|it| *it != '\'') {
            self.push(character);
        }
    }

    fn double_quotes(&mut self) {
        self.word.get_or_insert_default();
        while let Some(character) = self.next().filter(|it| *it != '"') {
            match (character, self.peek()) {
                ('\\', Some('\n')) => self.at += 1,
                ('\\', Some(escaped @ ('"' | '\\' | '$' | '`'))) => {
                    self.at += 1;
                    self.push(escaped);
                }
                ('$', _) => self.expansion(),
                _ => self.push(character),
            }
        }
    }

    /// Reads what follows `$`. The commands in `$(…)` become commands of the script.
    fn expansion(&mut self) {
        self.push('$');
        let (Some(open @ ('(' | '{')), after) = (self.peek(), self.characters.get(self.at + 1))
        else {
            return;
        };
        if open == '{' || after == Some(&'(') {
            let (close, ends) = if open == '{' { ('}', 1) } else { (')', 2) };
            let mut left = ends;
            while let Some(character) = self.next().filter(|_| left > 0) {
                self.push(character);
                left -= usize::from(character == close);
            }
            self.at -= usize::from(left == 0);
            return;
        }
        self.at += 1;
        self.substitution();
    }

    /// Reads the commands to the closing parenthesis.
    fn substitution(&mut self) {
        let outer = (std::mem::take(&mut self.words), self.word.take(), self.is_target);
        self.is_target = false;
        self.read(Some(')'));
        (self.words, self.word, self.is_target) = outer;
        self.word.get_or_insert_default().push_str("(…)");
    }

    /// Reads a redirection to the beginning of its target.
    fn redirection(&mut self, first: char) {
        if self.peek() == Some('(') {
            self.at += 1;
            return self.substitution();
        }
        if self.word.as_ref().is_some_and(|word| word.bytes().all(|it| it.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        let mut operator = String::from(first);
        while let Some(next) = self.peek().filter(|it| matches!(it, '<' | '>' | '&' | '-' | '|')) {
            operator.push(next);
            self.at += 1;
        }
        self.is_target = true;
        self.is_here_document = operator.starts_with("<<") && operator != "<<<";
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if !self.is_target {
            return self.words.push(word);
        }
        self.is_target = false;
        if std::mem::take(&mut self.is_here_document) {
            self.here_documents.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() {
            self.commands.push(words);
        }
    }

    /// Ends the command, and skips the here-documents after this line.
    fn end_line(&mut self) {
        self.end_command();
        for end in std::mem::take(&mut self.here_documents) {
            loop {
                let mut line = String::new();
                let mut is_last = true;
                while let Some(character) = self.next() {
                    if character == '\n' {
                        is_last = false;
                        break;
                    }
                    line.push(character);
                }
                if is_last || line.trim_start_matches('\t') == end {
                    break;
                }
            }
        }
    }
}
