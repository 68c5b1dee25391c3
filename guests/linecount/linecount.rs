//! Counts lines and prints what it did: standard output goes to the swarm's log.

use std::alloc::{alloc, dealloc, Layout};

/// How many lines the text has; a last line needs no line break.
#[no_mangle]
pub unsafe extern "C" fn count_lines(ptr: *const u8, len: usize) -> i32 {
    let text = match len {
        0 => &[],
        _ => std::slice::from_raw_parts(ptr, len),
    };
    let lines = text.split_inclusive(|&byte| byte == b'\n').count();
    println!("counted {lines} lines in {len} bytes");
    lines as i32
}

/// Where the host may write `len` bytes of input.
#[no_mangle]
pub unsafe extern "C" fn allocate(len: usize) -> *mut u8 {
    alloc(Layout::array::<u8>(len.max(1)).unwrap())
}

/// The host is done with what `allocate(len)` answered.
#[no_mangle]
pub unsafe extern "C" fn deallocate(ptr: *mut u8, len: usize) {
    dealloc(ptr, Layout::array::<u8>(len.max(1)).unwrap());
}
