//! JSON as RFC 8259 has it: a reader that pulls values out of the text without building a tree.
//!
//! Stricter than the RFC where it leaves a choice: no duplicate keys, no lone surrogates, at most `MAX_DEPTH` levels.

#![allow(dead_code)] // each guest uses its part

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Arrays and objects within each other.
pub const MAX_DEPTH: usize = 128;

/// What is wrong, and at which byte.
#[derive(Debug)]
pub struct Error {
    pub message: String,
    pub offset: usize,
}

impl Error {
    /// Line and column of the error in `text`, both from 1; a column is a character.
    pub fn position(&self, text: &[u8]) -> (usize, usize) {
        let before = &text[..self.offset.min(text.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let lines = before.iter().filter(|&&byte| byte == b'\n').count();
        let characters = before[line_start..].iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        (lines + 1, characters + 1)
    }
}

pub type Result<T> = std::result::Result<T, Error>;

/// What the next value is, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// Reads one JSON text from front to back.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Reader { text, at: 0, depth: 0 }),
            Err(error) => Err(Error { message: "not UTF-8".into(), offset: error.valid_up_to() }),
        }
    }

    /// An error at the place reached so far.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error { message: message.into(), offset: self.at }
    }

    pub fn kind(&mut self) -> Result<Kind> {
        match self.next_byte() {
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'"') => Ok(Kind::String),
            Some(b'[') => Ok(Kind::Array),
            Some(b'{') => Ok(Kind::Object),
            Some(_) => Err(self.error("expected a value")),
            None => Err(self.error("expected a value, found the end of the text")),
        }
    }

    /// Reads any value and forgets it.
    pub fn skip(&mut self) -> Result<()> {
        match self.kind()? {
            Kind::Null => self.word("null"),
            Kind::Boolean => self.boolean().map(drop),
            Kind::Number => self.number().map(drop),
            Kind::String => self.string().map(drop),
            Kind::Array => self.array(Self::skip),
            Kind::Object => self.object(|reader, _| reader.skip()),
        }
    }

    pub fn null(&mut self) -> Result<()> {
        self.word("null")
    }

    pub fn boolean(&mut self) -> Result<bool> {
        let value = self.next_byte() == Some(b't');
        self.word(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// The number as it is written; it may not fit any machine type.
    pub fn number(&mut self) -> Result<&'a str> {
        self.next_byte();
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// The string's text, copied only if it has escapes.
    pub fn string(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b'"', "expected a string")?;
        let mut text = Cow::Borrowed("");
        loop {
            let start = self.at;
            while !matches!(self.byte(), None | Some(b'"' | b'\\' | 0..=0x1F)) {
                self.at += 1;
            }
            let plain = &self.text[start..self.at];
            if text.is_empty() {
                text = Cow::Borrowed(plain);
            } else {
                text.to_mut().push_str(plain);
            }
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    text.to_mut().push(character);
                }
                Some(_) => return Err(self.error("control character in a string; write it as an escape")),
                None => return Err(self.error("string without its closing quote")),
            }
        }
    }

    /// Calls `each` at every element, which has to read it.
    pub fn array(&mut self, mut each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.open(b'[', "expected an array")?;
        if !self.close(b']') {
            loop {
                each(self)?;
                if self.close(b']') {
                    break;
                }
                self.expect(b',', "expected ',' or ']'")?;
            }
        }
        Ok(())
    }

    /// Calls `each` with every key; it has to read the value.
    pub fn object(&mut self, mut each: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.open(b'{', "expected an object")?;
        let mut keys = BTreeSet::new();
        if !self.close(b'}') {
            loop {
                self.next_byte();
                let offset = self.at;
                let key = self.string()?;
                if keys.contains(&key) {
                    return Err(Error { message: format!("duplicate key {key:?}"), offset });
                }
                self.expect(b':', "expected ':'")?;
                each(self, &key)?;
                keys.insert(key);
                if self.close(b'}') {
                    break;
                }
                self.expect(b',', "expected ',' or '}'")?;
            }
        }
        Ok(())
    }

    /// Fails unless only white space is left.
    pub fn end(&mut self) -> Result<()> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(self.error("expected the end of the text")),
        }
    }

    fn open(&mut self, bracket: u8, message: &str) -> Result<()> {
        self.expect(bracket, message)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("more than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> bool {
        self.next_byte();
        let closed = self.take(bracket);
        self.depth -= usize::from(closed);
        closed
    }

    fn escape(&mut self) -> Result<char> {
        let start = self.at;
        self.at += 2;
        let character = match self.text.as_bytes().get(start + 1) {
            Some(&byte @ (b'"' | b'\\' | b'/')) => Some(byte as char),
            Some(b'b') => Some('\u{8}'),
            Some(b'f') => Some('\u{C}'),
            Some(b'n') => Some('\n'),
            Some(b'r') => Some('\r'),
            Some(b't') => Some('\t'),
            Some(b'u') => self.code_point(),
            _ => None,
        };
        character.ok_or_else(|| Error { message: "bad escape".into(), offset: start })
    }

    /// The character of `XXXX` or `XXXX\uXXXX`; none for half a surrogate pair.
    fn code_point(&mut self) -> Option<char> {
        let first = self.hex()?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        if !(self.take(b'\\') && self.take(b'u')) {
            return None;
        }
        let low = self.hex()?.checked_sub(0xDC00).filter(|&low| low < 0x400)?;
        char::from_u32(0x10000 + ((first - 0xD800) << 10 | low))
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |code, &digit| Some(code << 4 | (digit as char).to_digit(16)?))
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.error("expected a digit"));
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<()> {
        self.next_byte();
        if !self.text[self.at..].starts_with(word) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn expect(&mut self, byte: u8, message: &str) -> Result<()> {
        self.next_byte();
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.error(message))
        }
    }

    /// The next byte after white space, not taken.
    fn next_byte(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.byte() == Some(byte);
        self.at += usize::from(taken);
        taken
    }
}
