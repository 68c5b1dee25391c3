//! Is this text JSON? `validate` says what is in it or where it goes wrong, `is_valid` only yes or no.

#[path = "../shared/buffer.rs"]
mod buffer;
#[path = "../shared/json_reader.rs"]
mod json_reader;
#[path = "../shared/json_writer.rs"]
mod json_writer;

use json_reader::{Error, Kind, Reader};
use json_writer::Writer;

/// How many of each there are.
#[derive(Default)]
struct Counts {
    objects: usize,
    arrays: usize,
    keys: usize,
    strings: usize,
    numbers: usize,
    booleans: usize,
    nulls: usize,
    depth: usize,
}

/// `{"valid": true, ...}` with counts, or `{"valid": false, "error": ..., "line": ..., "column": ...}`.
#[no_mangle]
pub unsafe extern "C" fn validate(ptr: *const u8, len: usize) -> u64 {
    let text = buffer::input(ptr, len);
    let mut answer = Writer::default();
    match check(text) {
        Ok(counts) => answer.object(|out| {
            out.key("valid").boolean(true);
            out.key("bytes").number(text.len());
            out.key("depth").number(counts.depth);
            out.key("objects").number(counts.objects);
            out.key("arrays").number(counts.arrays);
            out.key("keys").number(counts.keys);
            out.key("strings").number(counts.strings);
            out.key("numbers").number(counts.numbers);
            out.key("booleans").number(counts.booleans);
            out.key("nulls").number(counts.nulls);
        }),
        Err(error) => answer.object(|out| {
            let (line, column) = error.position(text);
            out.key("valid").boolean(false);
            out.key("error").string(&error.message);
            out.key("line").number(line);
            out.key("column").number(column);
        }),
    }
    buffer::reply(answer.into_bytes())
}

/// 1 if the text is JSON, else 0.
#[no_mangle]
pub unsafe extern "C" fn is_valid(ptr: *const u8, len: usize) -> i32 {
    check(buffer::input(ptr, len)).is_ok().into()
}

fn check(text: &[u8]) -> Result<Counts, Error> {
    let mut reader = Reader::new(text)?;
    let mut counts = Counts::default();
    count(&mut reader, &mut counts, 0)?;
    reader.end()?;
    Ok(counts)
}

fn count(reader: &mut Reader, counts: &mut Counts, depth: usize) -> Result<(), Error> {
    counts.depth = counts.depth.max(depth);
    match reader.kind()? {
        Kind::Null => {
            counts.nulls += 1;
            reader.null()
        }
        Kind::Boolean => {
            counts.booleans += 1;
            reader.boolean().map(drop)
        }
        Kind::Number => {
            counts.numbers += 1;
            reader.number().map(drop)
        }
        Kind::String => {
            counts.strings += 1;
            reader.string().map(drop)
        }
        Kind::Array => {
            counts.arrays += 1;
            counts.depth = counts.depth.max(depth + 1);
            reader.array(|reader| count(reader, counts, depth + 1))
        }
        Kind::Object => {
            counts.objects += 1;
            counts.depth = counts.depth.max(depth + 1);
            reader.object(|reader, _| {
                counts.keys += 1;
                count(reader, counts, depth + 1)
            })
        }
    }
}
