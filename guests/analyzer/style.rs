//! What every reader stumbles over: line by line for any language, and the usual traps of Python.

use crate::findings::*;
use crate::imports::Imports;
use crate::tokens::{starts_line, Kind, Token, Tokens};

const MAX_LINE: usize = 100;

/// Lines of the source; a last line needs no line break.
pub fn lines(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = source;
    std::iter::from_fn(move || {
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        let width = if after.starts_with("\r\n") { 2 } else { after.len().min(1) };
        let found = (!rest.is_empty()).then_some(line);
        rest = &after[width..];
        found
    })
}

/// Checks that need no knowledge of the language. Lines that begin inside a string are text: white space counts there.
pub fn check_lines(source: &str, tokens: &Tokens, is_python: bool, findings: &mut Findings) {
    let mut strings = tokens.string_lines.iter().peekable();
    let mut last = (1, "");
    for (number, line) in (1..).zip(lines(source)) {
        while strings.next_if(|lines| *lines.end() < number).is_some() {}
        let in_string = strings.peek().map_or(false, |lines| lines.contains(&number));
        let ends_in_string = strings.clone().take(2).any(|lines| lines.contains(&(number + 1)));
        last = (number, line);
        let code = line.trim_end();
        if line.chars().count() > MAX_LINE {
            findings.add(&LONG_LINE, (number, MAX_LINE as u32 + 1), "line is longer than 100 characters");
        }
        if code.len() < line.len() && !ends_in_string {
            findings.add(&TRAILING_SPACE, (number, column_after(code)), "white space at the end of the line");
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        if is_python && !in_string && !code.is_empty() && indent.contains('\t') {
            findings.add(&TAB, (number, 1), "tab in the indentation");
        }
    }
    if !source.is_empty() && !source.ends_with(['\n', '\r']) {
        findings.add(&FINAL_NEWLINE, (last.0, column_after(last.1)), "no line break at the end of the file");
    }
}

pub fn check_python(tokens: &[Token], findings: &mut Findings) {
    for index in 0..tokens.len() {
        let token = &tokens[index];
        let next_is = |text| tokens.get(index + 1).map_or(false, |next| next.is(text));
        if token.is("except") && next_is(":") {
            findings.add(&BARE_EXCEPT, token.place(), "bare except also catches KeyboardInterrupt and SystemExit");
        }
        let compares = token.is("==") || token.is("!=");
        if compares && (next_is("None") || index > 0 && tokens[index - 1].is("None")) {
            findings.add(&COMPARE_NONE, token.place(), "compare with None by 'is' or 'is not'");
        }
        if token.is("def") && starts_function(tokens, index) {
            check_defaults(&tokens[index..], findings);
        }
    }
}

pub fn check_imports(tokens: &[Token], imports: &Imports, findings: &mut Findings) {
    for import in imports.unused(tokens) {
        findings.add(&UNUSED_IMPORT, import.token.place(), format!("'{}' imported but unused", import.name()));
    }
}

fn starts_function(tokens: &[Token], index: usize) -> bool {
    let is_async = index > 0 && tokens[index - 1].is("async");
    starts_line(tokens, index - usize::from(is_async))
}

/// Looks through the parameters of the function that `tokens` begin with.
fn check_defaults(tokens: &[Token], findings: &mut Findings) {
    let mut depth = 0;
    let mut in_parameters = false;
    for (index, token) in tokens.iter().enumerate() {
        match (token.kind, token.text) {
            (Kind::Newline, _) => return,
            (Kind::Operator, "(" | "[" | "{") => {
                in_parameters |= depth == 0 && token.text == "(";
                depth += 1;
            }
            (Kind::Operator, ")" | "]" | "}") => {
                depth -= 1;
                if depth == 0 && in_parameters {
                    return;
                }
            }
            (Kind::Operator, "=") if depth == 1 && in_parameters => match &tokens[index + 1..] {
                [default, after, ..] if is_mutable(default, after) => {
                    findings.add(&MUTABLE_DEFAULT, default.place(), "mutable default is shared by all calls; use None");
                }
                _ => {}
            },
            _ => {}
        }
    }
}

fn is_mutable(default: &Token, after: &Token) -> bool {
    let makes = ["list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"];
    default.is("[") || default.is("{") || after.is("(") && makes.iter().any(|maker| default.is(maker))
}

fn column_after(text: &str) -> u32 {
    text.chars().count() as u32 + 1
}
