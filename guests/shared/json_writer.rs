//! Writes JSON text, for the replies of a guest.

#![allow(dead_code)] // each guest uses its part

use std::fmt::Write;

/// Writes one JSON text; commas come by themselves.
#[derive(Default)]
pub struct Writer {
    text: String,
}

impl Writer {
    pub fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.enclose('{', members, '}');
    }

    pub fn array(&mut self, elements: impl FnOnce(&mut Self)) {
        self.enclose('[', elements, ']');
    }

    /// Starts a member; its value comes next.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.string(key);
        self.text.push(':');
        self
    }

    pub fn string(&mut self, value: &str) {
        self.separate();
        self.text.push('"');
        for character in value.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\0'..='\x1F' => {
                    let _ = write!(self.text, "\\u{:04x}", character as u32);
                }
                _ => self.text.push(character),
            }
        }
        self.text.push('"');
    }

    pub fn number(&mut self, value: usize) {
        self.separate();
        let _ = write!(self.text, "{value}");
    }

    pub fn boolean(&mut self, value: bool) {
        self.separate();
        self.text.push_str(if value { "true" } else { "false" });
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    fn enclose(&mut self, open: char, content: impl FnOnce(&mut Self), close: char) {
        self.separate();
        self.text.push(open);
        content(self);
        self.text.push(close);
    }

    /// A comma, unless this is the first thing in its place. A string ends in a quote, so it cannot be mistaken.
    fn separate(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
    }
}
