//! Analyzes source code: `analyze_code` takes `{"file", "source", "checks"}` as JSON and answers its findings as JSON.

#[path = "../shared/buffer.rs"]
mod buffer;
#[path = "../shared/json_reader.rs"]
mod json_reader;
#[path = "../shared/json_writer.rs"]
mod json_writer;

mod findings;
mod imports;
mod scanner;
mod security;
mod style;
mod tokens;

use findings::Findings;
use imports::Imports;
use json_reader::{Error, Reader};
use json_writer::Writer;
use tokens::Tokens;

const MAX_FILE_NAME: usize = 4096;
/// More source than this is refused: as tokens it would need more memory than a swarm gets by default.
const MAX_SOURCE: usize = 2 << 20;

const SECURITY: &str = "security";
const STYLE: &str = "style";

/// What the caller asks for.
struct Request {
    file: String,
    source: String,
    security: bool,
    style: bool,
}

/// The findings in a source file, or `{"error": ...}` if the request is not as described.
#[no_mangle]
pub unsafe extern "C" fn analyze_code(ptr: *const u8, len: usize) -> u64 {
    let text = buffer::input(ptr, len);
    let mut answer = Writer::default();
    match read_request(text) {
        Ok(request) => answer.object(|out| analyze(&request, out)),
        Err(error) => answer.object(|out| {
            let (line, column) = error.position(text);
            out.key("error").string(&format!("{} at line {line} column {column} of the request", error.message));
        }),
    }
    buffer::reply(answer.into_bytes())
}

fn read_request(text: &[u8]) -> Result<Request, Error> {
    let mut reader = Reader::new(text)?;
    let (mut file, mut source, mut checks) = (None, None, None);
    reader.object(|reader, key| {
        match key {
            "file" => file = Some(read_text(reader, MAX_FILE_NAME)?),
            "source" => source = Some(read_text(reader, MAX_SOURCE)?),
            "checks" => checks = Some(read_checks(reader)?),
            _ => return Err(reader.error(format!("unknown key {key:?}; expected file, source, checks"))),
        }
        Ok(())
    })?;
    reader.end()?;
    let file = file.ok_or_else(|| reader.error("missing key \"file\""))?;
    let source = source.ok_or_else(|| reader.error("missing key \"source\""))?;
    let (security, style) = checks.unwrap_or((true, true));
    Ok(Request { file, source, security, style })
}

fn read_text(reader: &mut Reader, most: usize) -> Result<String, Error> {
    let text = reader.string()?;
    if text.len() > most {
        return Err(reader.error(format!("text of {} bytes is longer than {most} bytes", text.len())));
    }
    Ok(text.into_owned())
}

fn read_checks(reader: &mut Reader) -> Result<(bool, bool), Error> {
    let (mut security, mut style) = (false, false);
    reader.array(|reader| {
        match &*reader.string()? {
            SECURITY => security = true,
            STYLE => style = true,
            other => return Err(reader.error(format!("unknown check {other:?}; expected security, style"))),
        }
        Ok(())
    })?;
    Ok((security, style))
}

fn analyze(request: &Request, out: &mut Writer) {
    let language = language(&request.file);
    let is_python = language == "python";
    let tokens = if is_python { scanner::tokenize(&request.source) } else { Tokens::default() };
    let imports = Imports::read(&tokens.list);
    let name = request.file.rsplit(['/', '\\']).next().unwrap_or("");
    let is_test = name.starts_with("test_") || name.ends_with("_test.py") || name == "conftest.py";

    let mut findings = Findings::default();
    let security = request.security && is_python;
    if security {
        security::check(&tokens.list, &imports, is_test, &mut findings);
    }
    if request.style {
        style::check_lines(&request.source, &tokens, is_python, &mut findings);
        style::check_python(&tokens.list, &mut findings);
        if name != "__init__.py" {
            style::check_imports(&tokens.list, &imports, &mut findings);
        }
    }
    findings.sort();

    let lines = style::lines(&request.source).count();
    buffer::log(&format!("analyzed {}: {lines} lines, {} findings", request.file, findings.len()));
    out.key("file").string(&request.file);
    out.key("language").string(language);
    out.key("lines").number(lines);
    out.key("checks").array(|out| {
        for (check, applies) in [(SECURITY, security), (STYLE, request.style)] {
            if applies {
                out.string(check);
            }
        }
    });
    findings.write(out);
}

/// The language by the file's extension. Checks beyond single lines are for Python.
fn language(file: &str) -> &'static str {
    match file.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "py" | "pyi" | "pyw" => "python",
        "rs" => "rust",
        "js" | "mjs" | "cjs" | "jsx" => "javascript",
        "ts" | "tsx" => "typescript",
        "go" => "go",
        "c" | "h" => "c",
        _ => "unknown",
    }
}
