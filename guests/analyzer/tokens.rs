//! Python source as tokens, so that what stands in a string or a comment is never taken for code.

use std::ops::RangeInclusive;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    Number,
    /// A whole string literal with prefix and quotes.
    Text,
    /// Prefix and quote of an f-string. Until its `FormatEnd` come `FormatText`, and fields between `{` and `}`.
    FormatStart,
    FormatText,
    FormatEnd,
    Operator,
    /// The end of a statement's line; there are none inside brackets.
    Newline,
}

/// A piece of the source; line and column count from 1, a column is a character.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    pub line: u32,
    pub column: u32,
}

impl<'a> Token<'a> {
    pub fn place(&self) -> (u32, u32) {
        (self.line, self.column)
    }

    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Name | Kind::Operator) && self.text == text
    }

    /// What stands between the quotes of a string literal; the text of anything else.
    pub fn content(&self) -> &'a str {
        if self.kind != Kind::Text {
            return self.text;
        }
        let quoted = self.text.trim_start_matches(|prefix: char| prefix.is_ascii_alphabetic());
        let Quote { byte, width } = Quote::at(quoted.as_bytes());
        let body = &quoted[width.min(quoted.len())..];
        let closing = body.bytes().rev().take_while(|&last| last == byte).count().min(width);
        &body[..body.len() - closing]
    }
}

/// The tokens of a file, and the lines that begin inside a string.
#[derive(Default)]
pub struct Tokens<'a> {
    pub list: Vec<Token<'a>>,
    pub string_lines: Vec<RangeInclusive<u32>>,
}

/// Whether the token at `index` is the first of its line, brackets closed.
pub fn starts_line(tokens: &[Token], index: usize) -> bool {
    index == 0 || tokens[index - 1].kind == Kind::Newline
}

/// Whether the token at `index` can be the first of a statement.
pub fn starts_statement(tokens: &[Token], index: usize) -> bool {
    starts_line(tokens, index) || tokens[index - 1].is(";") || tokens[index - 1].is(":")
}

/// The quotes that a string is written in.
#[derive(Clone, Copy)]
pub struct Quote {
    pub byte: u8,
    /// 1, or 3 for `"""`.
    pub width: usize,
}

impl Quote {
    pub fn at(bytes: &[u8]) -> Quote {
        let byte = bytes.first().copied().unwrap_or(b'"');
        Quote { byte, width: if bytes.starts_with(&[byte; 3]) { 3 } else { 1 } }
    }

    /// A string in single quotes ends with its line at the latest.
    pub fn is_single(self) -> bool {
        self.width == 1
    }

    pub fn ends(self, rest: &[u8]) -> bool {
        rest.starts_with(&[self.byte; 3][..self.width])
    }
}
