//! Calls that run text as code or shell, read unsafe formats, switch checks off, and secrets in the source.

use crate::findings::*;
use crate::imports::Imports;
use crate::tokens::{starts_statement, Kind, Token};

pub fn check(tokens: &[Token], imports: &Imports, is_test: bool, findings: &mut Findings) {
    let mut calls = Calls { tokens, imports, findings, open: Vec::new() };
    for index in 0..tokens.len() {
        calls.token(index);
    }
    while calls.open.pop().map(|frame| calls.close(frame)).is_some() {}
    for (index, token) in tokens.iter().enumerate() {
        if token.kind == Kind::Text && is_secret(tokens, index) {
            findings.add(&PASSWORD, token.place(), "secret written in the source");
        }
        if !is_test && token.is("assert") && starts_statement(tokens, index) {
            findings.add(&ASSERT, token.place(), "assert is removed by python -O; raise an error instead");
        }
    }
}

/// What is known of the brackets that are open, and of the call they belong to.
#[derive(Default)]
struct Frame<'a> {
    /// Index of the name before the bracket.
    callee: Option<usize>,
    commas: usize,
    first: Argument<'a>,
    shell: bool,
    unverified: bool,
    safe_loader: bool,
    not_for_security: bool,
}

/// The first argument of a call.
#[derive(Default)]
struct Argument<'a> {
    length: usize,
    /// The string it begins with.
    text: Option<&'a str>,
    /// Made of string literals only.
    is_literal: bool,
    /// It begins as SQL does, and is put together from parts.
    is_sql: bool,
    is_built: bool,
}

struct Calls<'t, 'a> {
    tokens: &'t [Token<'a>],
    imports: &'t Imports<'a>,
    findings: &'t mut Findings,
    open: Vec<Frame<'a>>,
}

impl<'a> Calls<'_, 'a> {
    fn token(&mut self, index: usize) {
        let token = self.tokens[index];
        if let (Kind::Operator, ")" | "]" | "}") = (token.kind, token.text) {
            if let Some(frame) = self.open.pop() {
                self.close(frame);
            }
            return;
        }
        if let Some(frame) = self.open.last_mut() {
            frame.see(self.tokens, index);
        }
        if let (Kind::Operator, "(" | "[" | "{") = (token.kind, token.text) {
            let callee = index.checked_sub(1).filter(|&at| token.text == "(" && self.tokens[at].kind == Kind::Name);
            self.open.push(Frame { callee, ..Frame::default() });
        }
    }

    fn close(&mut self, frame: Frame<'a>) {
        if let Some(callee) = frame.callee {
            self.call(callee, &frame);
        }
        if let Some(outer) = self.open.last_mut().filter(|outer| outer.commas == 0) {
            outer.first.is_sql |= frame.first.is_sql;
            outer.first.is_built |= frame.first.is_built;
        }
    }

    fn call(&mut self, callee: usize, frame: &Frame) {
        let (start, dotted) = dotted_name(self.tokens, callee);
        if start > 0 && (self.tokens[start - 1].is("def") || self.tokens[start - 1].is("class")) {
            return;
        }
        let place = self.tokens[start].place();
        let name = self.imports.resolve(&dotted);
        let (module, function) = name.rsplit_once('.').unwrap_or(("", &name));
        let mut found = |rule, message| self.findings.add(rule, place, message);

        if matches!(module, "" | "builtins") && frame.first.length > 0 && !frame.first.is_literal {
            match function {
                "eval" => found(&EVAL, "eval() of dynamic text"),
                "exec" => found(&EVAL, "exec() of dynamic text"),
                _ => {}
            }
        }
        match (module, function) {
            ("os", "system" | "popen") | ("subprocess", "getoutput" | "getstatusoutput") => {
                found(&SYSTEM, "starts a shell; use subprocess.run with a list");
            }
            ("pickle" | "_pickle" | "cPickle" | "dill" | "cloudpickle" | "marshal", "load" | "loads" | "Unpickler") => {
                found(&PICKLE, "unpickling runs code that the data chooses");
            }
            ("yaml", "load" | "load_all") if !frame.safe_loader => {
                found(&YAML, "yaml.load without SafeLoader builds any object; use yaml.safe_load");
            }
            ("yaml", "unsafe_load" | "unsafe_load_all") => found(&YAML, "unsafe_load builds any object"),
            ("hashlib", "md5" | "sha1") if !frame.not_for_security => {
                found(&WEAK_HASH, "broken hash function; use sha256, or say usedforsecurity=False");
            }
            ("hashlib", "new") if matches!(frame.first.text, Some("md5" | "MD5" | "sha1" | "SHA1")) => {
                found(&WEAK_HASH, "broken hash function; use sha256, or say usedforsecurity=False");
            }
            ("tempfile", "mktemp") => found(&MKTEMP, "mktemp leaves room for another's file; use mkstemp"),
            ("ssl", "_create_unverified_context") => found(&VERIFY, "certificates are not checked"),
            _ => {}
        }
        if frame.shell {
            found(&SHELL, "shell=True hands the command to a shell; pass a list");
        }
        if frame.unverified {
            found(&VERIFY, "verify=False turns verification off");
        }
        let runs_sql = matches!(function, "execute" | "executemany" | "executescript" | "raw" | "read_sql");
        if runs_sql && frame.first.is_sql && frame.first.is_built {
            found(&SQL, "SQL put together from text; pass the values as parameters");
        }
    }
}

impl<'a> Frame<'a> {
    /// Takes note of the token at `index`, directly inside these brackets.
    fn see(&mut self, tokens: &[Token<'a>], index: usize) {
        let token = &tokens[index];
        if token.is(",") {
            self.commas += 1;
        } else if self.commas == 0 {
            self.first.see(tokens, index);
        }
        if token.kind != Kind::Name {
            return;
        }
        self.safe_loader |= matches!(token.text, "SafeLoader" | "CSafeLoader" | "BaseLoader");
        if let Some([equals, value]) = tokens.get(index + 1..index + 3) {
            if equals.is("=") {
                self.shell |= token.text == "shell" && value.is("True");
                self.unverified |= token.text == "verify" && value.is("False");
                self.not_for_security |= token.text == "usedforsecurity" && value.is("False");
            }
        }
    }
}

impl<'a> Argument<'a> {
    fn see(&mut self, tokens: &[Token<'a>], index: usize) {
        let token = &tokens[index];
        let before = index.checked_sub(1).map(|at| tokens[at].kind);
        let text = match token.kind {
            Kind::Text => Some(token.content()),
            Kind::FormatText => Some(token.text),
            _ => None,
        };
        if self.length == 0 {
            self.is_literal = true;
        }
        if self.text.is_none() {
            self.text = text;
            self.is_sql |= text.map_or(false, begins_as_sql);
        }
        self.length += 1;
        self.is_literal &= token.kind == Kind::Text;
        self.is_built |= token.is("%") || token.is("+") || token.is("format");
        self.is_built |= token.is("{") && matches!(before, Some(Kind::FormatStart | Kind::FormatText));
    }
}

/// The dotted name that ends at `index`, and where it starts. One that hangs on an expression begins with `().`.
fn dotted_name(tokens: &[Token], index: usize) -> (usize, String) {
    let mut start = index;
    while start >= 2 && tokens[start - 1].is(".") && tokens[start - 2].kind == Kind::Name {
        start -= 2;
    }
    let hangs = start >= 1 && tokens[start - 1].is(".");
    let name: String = tokens[start..=index].iter().map(|token| token.text).collect();
    (start, if hangs { format!("().{name}") } else { name })
}

fn begins_as_sql(text: &str) -> bool {
    const VERBS: [&str; 9] = ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "ALTER", "WITH"];
    let verb = text.split_whitespace().next().unwrap_or("");
    VERBS.iter().any(|known| known.eq_ignore_ascii_case(verb))
}

/// Whether the literal at `index` is given to something that is called a password, a token or a key.
fn is_secret(tokens: &[Token], index: usize) -> bool {
    let before = |distance: usize| index.checked_sub(distance).map(|at| &tokens[at]);
    let is_before = |distance, text| before(distance).map_or(false, |token| token.is(text));
    let stands_alone = match tokens.get(index + 1) {
        Some(next) => next.kind == Kind::Newline || [",", ")", "]", "}", ";"].iter().any(|end| next.is(end)),
        None => true,
    };
    if !stands_alone {
        return false;
    }
    let is_assigned = ["=", "==", "!=", ":="].iter().any(|operator| is_before(1, operator));
    let is_annotated = is_before(3, ":") && before(4).map_or(false, |name| name.kind == Kind::Name);
    let name = match before(2) {
        _ if is_assigned && is_annotated => before(4), // name: str = "..."
        Some(bracket) if is_assigned && bracket.is("]") => before(3), // settings["name"] = "..."
        target if is_assigned => target,
        Some(key) if is_before(1, ":") && key.kind == Kind::Text => Some(key), // {"name": "..."}
        _ => None,
    };
    name.map_or(false, |name| names_secret(name.content(), tokens[index].content()))
}

/// Whether `name` ends in a word for a secret, and `value` may be one.
fn names_secret(name: &str, value: &str) -> bool {
    if !name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-') {
        return false;
    }
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    let is_reference = value.is_empty() || value.starts_with(['<', '{', '$']) || value.contains(char::is_whitespace);
    if ends(&["password", "passwd", "passphrase", "pwd", "secret"]) {
        return !is_reference;
    }
    let is_key = ends(&["token", "apikey", "accesskey", "secretkey", "privatekey"]);
    is_key && !is_reference && value.len() >= 8 && value.contains(|letter: char| letter.is_ascii_digit())
}
