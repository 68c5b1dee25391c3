//! Upper case by the rules of Unicode, through the `lenptr` convention: bytes in, bytes out, null for failure.

use std::alloc::{alloc, dealloc, Layout};
use std::ptr::{addr_of_mut, null};
use std::{slice, str};

/// The text in upper case, its length written to `out_len`; null if the input is not UTF-8.
#[no_mangle]
pub unsafe extern "C" fn process(in_ptr: *const u8, in_len: usize, out_len: *mut u32) -> *const u8 {
    let bytes = match in_len {
        0 => &[],
        _ => slice::from_raw_parts(in_ptr, in_len),
    };
    match str::from_utf8(bytes) {
        Ok(text) => keep(text.to_uppercase(), out_len),
        Err(_) => null(),
    }
}

/// The reply stays alive until the next call.
unsafe fn keep(text: String, out_len: *mut u32) -> *const u8 {
    static mut REPLY: String = String::new();
    let start = text.as_ptr();
    *out_len = text.len() as u32;
    *addr_of_mut!(REPLY) = text;
    start
}

/// Where the host may write `len` bytes, aligned for the length it reads back.
#[no_mangle]
pub unsafe extern "C" fn allocate(len: usize) -> *mut u8 {
    alloc(Layout::from_size_align(len.max(1), 4).unwrap())
}

/// The host is done with what `allocate(len)` answered.
#[no_mangle]
pub unsafe extern "C" fn deallocate(ptr: *mut u8, len: usize) {
    dealloc(ptr, Layout::from_size_align(len.max(1), 4).unwrap());
}
