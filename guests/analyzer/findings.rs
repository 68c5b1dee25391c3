//! What the analyzer can find: the table of rules, and the findings in the order of the file.

use std::borrow::Cow;

use crate::json_writer::Writer;

pub struct Rule {
    pub id: &'static str,
    pub check: &'static str,
    pub severity: &'static str,
}

macro_rules! rules {
    ($($name:ident = $id:literal $check:literal $severity:literal;)*) => {
        $(pub const $name: Rule = Rule { id: $id, check: $check, severity: $severity };)*
    };
}

rules! {
    EVAL = "S001" "security" "high";
    SHELL = "S002" "security" "high";
    SYSTEM = "S003" "security" "medium";
    PICKLE = "S004" "security" "high";
    YAML = "S005" "security" "high";
    PASSWORD = "S006" "security" "high";
    VERIFY = "S007" "security" "high";
    WEAK_HASH = "S008" "security" "medium";
    MKTEMP = "S009" "security" "medium";
    ASSERT = "S010" "security" "low";
    SQL = "S011" "security" "high";
    LONG_LINE = "C001" "style" "low";
    TRAILING_SPACE = "C002" "style" "low";
    TAB = "C003" "style" "low";
    BARE_EXCEPT = "C004" "style" "medium";
    MUTABLE_DEFAULT = "C005" "style" "medium";
    COMPARE_NONE = "C006" "style" "low";
    UNUSED_IMPORT = "C007" "style" "low";
    FINAL_NEWLINE = "C008" "style" "low";
}

struct Finding {
    line: u32,
    column: u32,
    rule: &'static Rule,
    message: Cow<'static, str>,
}

/// The first findings of a file are listed, all are counted.
#[derive(Default)]
pub struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// More than this are counted but not listed: an answer stays small whatever the source.
    pub const MAX_LISTED: usize = 1000;

    pub fn add(&mut self, rule: &'static Rule, (line, column): (u32, u32), message: impl Into<Cow<'static, str>>) {
        self.list.push(Finding { line, column, rule, message: message.into() });
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn sort(&mut self) {
        self.list.sort_by_key(|finding| (finding.line, finding.column, finding.rule.id));
    }

    pub fn write(&self, out: &mut Writer) {
        out.key("findings").array(|out| self.list.iter().take(Self::MAX_LISTED).for_each(|finding| finding.write(out)));
        out.key("summary").object(|out| {
            out.key("findings").number(self.len());
            for severity in ["high", "medium", "low"] {
                let matching = self.list.iter().filter(|finding| finding.rule.severity == severity);
                out.key(severity).number(matching.count());
            }
            out.key("truncated").boolean(self.len() > Self::MAX_LISTED);
        });
    }
}

impl Finding {
    fn write(&self, out: &mut Writer) {
        out.object(|out| {
            out.key("line").number(self.line as usize);
            out.key("column").number(self.column as usize);
            out.key("check").string(self.rule.check);
            out.key("rule").string(self.rule.id);
            out.key("severity").string(self.rule.severity);
            out.key("message").string(&self.message);
        });
    }
}
