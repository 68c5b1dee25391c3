//! Which names a Python file imports, what they stand for, and which of them nothing uses.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::tokens::{starts_line, starts_statement, Kind, Token};

pub struct Import<'a> {
    /// The name it binds, and where.
    pub token: Token<'a>,
    /// What the name stands for: `b` of `from a import b` is `a.b`.
    path: String,
    /// Bound for others to see (`import x as x`, an attribute of a class), or for its effect (`__future__`).
    is_kept: bool,
}

#[derive(Default)]
pub struct Imports<'a> {
    list: Vec<Import<'a>>,
    paths: BTreeMap<&'a str, String>,
    statements: Vec<Range<usize>>,
}

impl<'a> Imports<'a> {
    pub fn read(tokens: &[Token<'a>]) -> Self {
        let mut imports = Imports::default();
        // First tokens of the lines that enclose this one, each further to the right than the one before.
        let mut blocks: Vec<Token> = Vec::new();
        let mut in_class = false;
        let mut index = 0;
        while index < tokens.len() {
            let token = tokens[index];
            if starts_line(tokens, index) && token.kind != Kind::Newline {
                while blocks.last().map_or(false, |header| header.column >= token.column) {
                    blocks.pop();
                }
                in_class = blocks.last().map_or(false, |header| header.is("class"));
                blocks.push(token);
            }
            let is_import = token.is("import") || token.is("from");
            if is_import && starts_statement(tokens, index) {
                let end = (index..tokens.len()).find(|&at| tokens[at].kind == Kind::Newline || tokens[at].is(";"));
                let statement = index..end.unwrap_or(tokens.len());
                imports.read_statement(&tokens[statement.clone()], in_class);
                index = statement.end;
                imports.statements.push(statement);
            }
            index += 1;
        }
        imports
    }

    /// `import a.b, c as d` or `from a import b, c as d`.
    fn read_statement(&mut self, statement: &[Token<'a>], in_class: bool) {
        let keyword = statement.iter().position(|token| token.is("import")).unwrap_or(statement.len());
        let module: String = statement[..keyword].iter().skip(1).map(|token| token.text).collect();
        let names = statement.iter().skip(keyword + 1).filter(|token| !token.is("(") && !token.is(")"));
        let names: Vec<Token> = names.copied().collect();
        for name in names.split(|token| token.is(",")) {
            self.add(&module, name, in_class);
        }
    }

    /// One name of the statement: `a.b` or `a.b as c`.
    fn add(&mut self, module: &str, name: &[Token<'a>], in_class: bool) {
        let renamed = name.iter().position(|token| token.is("as"));
        let dotted: String = name[..renamed.unwrap_or(name.len())].iter().map(|token| token.text).collect();
        let (token, path) = match (renamed.and_then(|at| name.get(at + 1)), name.first()) {
            (Some(alias), _) => (alias, dotted.as_str()),
            (None, Some(first)) => (first, first.text),
            (None, None) => return,
        };
        if token.kind != Kind::Name {
            return;
        }
        let path = if module.is_empty() { path.to_string() } else { format!("{module}.{path}") };
        let is_kept = in_class || module == "__future__" || renamed.is_some() && token.text == dotted;
        self.paths.insert(token.text, path.clone());
        self.list.push(Import { token: *token, path, is_kept });
    }

    /// A dotted name as it is called where it was defined: `loads` is `pickle.loads` after `from pickle import loads`.
    pub fn resolve(&self, dotted: &str) -> String {
        let (first, rest) = dotted.split_at(dotted.find('.').unwrap_or(dotted.len()));
        match self.paths.get(first) {
            Some(path) => format!("{path}{rest}"),
            None => dotted.to_string(),
        }
    }

    /// Imports whose name occurs nowhere else, neither in code nor as a word of a one-line string (an annotation, `__all__`).
    pub fn unused(&self, tokens: &[Token<'a>]) -> impl Iterator<Item = &Import<'a>> {
        let mut unseen: BTreeSet<&str> = self.paths.keys().copied().collect();
        let mut statements = self.statements.iter().peekable();
        for (index, token) in tokens.iter().enumerate() {
            while statements.next_if(|statement| statement.end <= index).is_some() {}
            if unseen.is_empty() || statements.peek().map_or(false, |statement| statement.contains(&index)) {
                continue;
            }
            match token.kind {
                Kind::Name if index == 0 || !tokens[index - 1].is(".") => drop(unseen.remove(token.text)),
                Kind::Text if !token.text.contains('\n') => {
                    let words = token.content().split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                    words.for_each(|word| drop(unseen.remove(word)));
                }
                _ => {}
            }
        }
        self.list.iter().filter(move |import| !import.is_kept && unseen.contains(import.token.text))
    }
}

impl Import<'_> {
    /// The import for a message, cut to a readable length.
    pub fn name(&self) -> String {
        self.path.chars().take(80).collect()
    }
}
