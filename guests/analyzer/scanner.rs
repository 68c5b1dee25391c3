//! Cuts Python source into tokens.
//!
//! It forgives broken source: an unclosed string ends with its line, a stray bracket is skipped. Fields of
//! f-strings are code (`f"{eval(x)}"`), nested ones and format specs too, as Python 3.12 reads them.

use crate::tokens::{Kind, Quote, Token, Tokens};

pub fn tokenize(source: &str) -> Tokens {
    let mut scanner = Scanner { source, at: 0, line: 1, column: 1, open: Vec::new(), tokens: Tokens::default() };
    if source.starts_with('\u{FEFF}') {
        scanner.at = '\u{FEFF}'.len_utf8();
    }
    while scanner.at < source.len() {
        match scanner.open.last() {
            Some(&Open::Format(quote)) => scanner.format_text(quote, false),
            Some(&Open::Spec(quote)) => scanner.format_text(quote, true),
            _ => scanner.code(),
        }
    }
    scanner.tokens
}

/// What is open around the place reached: brackets, f-strings, their fields, the fields' format specs.
#[derive(Clone, Copy)]
enum Open {
    Bracket(u8),
    Format(Quote),
    Field(Quote),
    Spec(Quote),
}

struct Scanner<'a> {
    source: &'a str,
    at: usize,
    line: u32,
    column: u32,
    open: Vec<Open>,
    tokens: Tokens<'a>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.source.as_bytes()[self.at..]
    }

    fn code(&mut self) {
        let rest = self.rest();
        match rest[0] {
            b' ' | b'\t' | 0x0C => self.advance(1),
            b'\n' | b'\r' => self.line_break(),
            b'#' => self.advance(rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())),
            b'\\' if matches!(rest.get(1), Some(b'\n' | b'\r')) => self.advance(1 + break_length(&rest[1..])),
            b'"' | b'\'' => self.string(0),
            b'0'..=b'9' => self.number(),
            b'.' if matches!(rest.get(1), Some(b'0'..=b'9')) => self.number(),
            byte if is_word(byte) => self.word(),
            _ => self.operator(),
        }
    }

    fn line_break(&mut self) {
        let length = break_length(self.rest());
        if self.open.is_empty() {
            self.push(Kind::Newline, length);
        } else {
            self.advance(length);
        }
    }

    fn word(&mut self) {
        let rest = self.rest();
        let length = rest.iter().position(|&byte| !is_word(byte)).unwrap_or(rest.len());
        let is_prefix = length <= 2 && rest[..length].iter().all(|byte| b"rbuftRBUFT".contains(byte));
        if is_prefix && matches!(rest.get(length), Some(b'"' | b'\'')) {
            self.string(length);
        } else {
            self.push(Kind::Name, length);
        }
    }

    fn number(&mut self) {
        let rest = self.rest();
        let is_hex = matches!(rest.get(1), Some(b'x' | b'X'));
        let mut length = 1;
        while let Some(&byte) = rest.get(length) {
            let signed = matches!(byte, b'+' | b'-') && !is_hex && matches!(rest[length - 1], b'e' | b'E');
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || signed) {
                break;
            }
            length += 1;
        }
        self.push(Kind::Number, length);
    }

    /// A string literal whose prefix is `prefix` letters long.
    fn string(&mut self, prefix: usize) {
        let rest = self.rest();
        let quote = Quote::at(&rest[prefix..]);
        if rest[..prefix].iter().any(|byte| b"fFtT".contains(byte)) {
            self.push(Kind::FormatStart, prefix + quote.width);
            self.open.push(Open::Format(quote));
            return;
        }
        let mut length = prefix + quote.width;
        while length < rest.len() && !quote.ends(&rest[length..]) {
            match rest[length] {
                b'\n' | b'\r' if quote.is_single() => return self.push_string(Kind::Text, length),
                b'\\' => length += 1 + break_length(&rest[length + 1..]).max(1),
                _ => length += 1,
            }
        }
        self.push_string(Kind::Text, (length + quote.width).min(rest.len()));
    }

    /// The literal part of an f-string, or of a field's format spec, up to what ends it.
    fn format_text(&mut self, quote: Quote, is_spec: bool) {
        let rest = self.rest();
        let mut length = 0;
        loop {
            let here = &rest[length.min(rest.len())..];
            match here.first() {
                None => return self.push_string(Kind::FormatText, rest.len()),
                _ if quote.ends(here) => break,
                Some(b'{') if !is_spec && here.starts_with(b"{{") => length += 2,
                Some(b'{') => break,
                Some(b'}') if is_spec => break,
                Some(b'\n' | b'\r') if quote.is_single() => break,
                Some(b'\\') => length += 1 + break_length(&here[1..]).max(1),
                Some(_) => length += 1,
            }
        }
        if length > 0 {
            self.push_string(Kind::FormatText, length);
        }
        match self.rest()[0] {
            b'{' => {
                self.push(Kind::Operator, 1);
                self.open.push(Open::Field(quote));
            }
            b'}' => {
                self.push(Kind::Operator, 1);
                self.open.truncate(self.open.len() - 2);
            }
            _ if is_spec => self.open.truncate(self.open.len() - 2),
            b'\n' | b'\r' => {
                self.push(Kind::FormatEnd, 0);
                self.open.pop();
            }
            _ => {
                self.push(Kind::FormatEnd, quote.width);
                self.open.pop();
            }
        }
    }

    fn operator(&mut self) {
        let rest = self.rest();
        match (rest[0], self.open.last().copied()) {
            (open @ (b'(' | b'[' | b'{'), _) => {
                self.push(Kind::Operator, 1);
                self.open.push(Open::Bracket(open));
            }
            (close @ (b')' | b']' | b'}'), open) => {
                let matches = match open {
                    Some(Open::Bracket(b'(')) => close == b')',
                    Some(Open::Bracket(b'[')) => close == b']',
                    Some(Open::Bracket(_) | Open::Field(_)) => close == b'}',
                    _ => false,
                };
                if matches {
                    self.open.pop();
                    self.push(Kind::Operator, 1);
                } else {
                    self.advance(1);
                }
            }
            (b':', Some(Open::Field(quote))) => {
                self.push(Kind::Operator, 1);
                self.open.push(Open::Spec(quote));
            }
            (b'!', Some(Open::Field(_))) if rest.get(1) != Some(&b'=') => {
                let conversion = rest[1..].iter().take_while(|&&byte| is_word(byte)).count();
                self.push(Kind::Operator, 1 + conversion);
            }
            _ => self.push(Kind::Operator, operator_length(rest)),
        }
    }

    fn push_string(&mut self, kind: Kind, length: usize) {
        let first = self.line;
        self.push(kind, length);
        if self.line > first {
            self.tokens.string_lines.push(first + 1..=self.line);
        }
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let text = self.source.get(self.at..self.at + length).unwrap_or("");
        self.tokens.list.push(Token { kind, text, line: self.line, column: self.column });
        self.advance(length);
    }

    fn advance(&mut self, length: usize) {
        let end = (self.at + length).min(self.source.len());
        while self.at < end {
            let rest = self.rest();
            match break_length(rest) {
                0 => self.column += u32::from(rest[0] & 0xC0 != 0x80),
                2 if self.at + 1 < end => {
                    self.at += 1;
                    self.next_line();
                }
                _ => self.next_line(),
            }
            self.at += 1;
        }
    }

    fn next_line(&mut self) {
        self.line += 1;
        self.column = 1;
    }
}

/// Bytes of the line break that `bytes` begin with; 0 if they do not.
fn break_length(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn operator_length(bytes: &[u8]) -> usize {
    match bytes {
        [b'*', b'*', b'=', ..] | [b'/', b'/', b'=', ..] | [b'<', b'<', b'=', ..] | [b'>', b'>', b'=', ..] => 3,
        [b'*', b'*', ..] | [b'/', b'/', ..] | [b'<', b'<', ..] | [b'>', b'>', ..] | [b'-', b'>', ..] => 2,
        [first, b'=', ..] if b"=!<>+-*/%@&|^:".contains(first) => 2,
        _ => 1,
    }
}
