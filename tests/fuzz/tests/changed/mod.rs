//! Changes texts at random.

/// A generator of pseudorandom numbers (xorshift64). Each run uses the same numbers.
pub struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    /// Returns a number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % limit
    }

    /// Returns `text` with one to three of [`PARTS`] inserted.
    pub fn changed(&mut self, mut text: String) -> String {
        for _ in 0..=self.below(3) {
            let at = self.below(text.len() + 1);
            if text.is_char_boundary(at) {
                text.insert_str(at, PARTS[self.below(PARTS.len())]);
            }
        }
        text
    }
}

/// The texts that a change inserts.
const PARTS: [&str; 22] = [
    "\\",
    "\"",
    "'",
    "\\\n",
    "\n",
    ";",
    " ; ",
    "$",
    "$$",
    "${A}",
    "$A",
    "#",
    "%",
    "%%",
    "\\x41",
    " ",
    "[Service]\n",
    "ExecStart=\n",
    "Environment=A=1\n",
    "@",
    ":",
    "-",
];
