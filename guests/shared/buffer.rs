//! The guest's side of the `buffer` convention: memory for the host's input, the reply, one line to the log.
//!
//! The host calls `allocate`, writes the input there, calls the task with `(ptr, len)`, reads the reply that the
//! packed result points at, and calls `deallocate` on the input. The reply stays ours.

#![allow(dead_code)] // each guest uses its part

use std::alloc::{alloc, dealloc, Layout};
use std::ptr::addr_of_mut;

mod host {
    #[link(wasm_import_module = "env")]
    extern "C" {
        pub fn log(ptr: *const u8, len: usize);
    }
}

/// Writes one line to the swarm's log.
pub fn log(line: &str) {
    unsafe { host::log(line.as_ptr(), line.len()) }
}

/// Memory for `len` bytes of input, or null when there is none left.
#[no_mangle]
pub extern "C" fn allocate(len: usize) -> *mut u8 {
    match layout(len) {
        Some(layout) => unsafe { alloc(layout) },
        None => std::ptr::null_mut(),
    }
}

/// Gives back what `allocate(len)` answered.
///
/// # Safety
/// `ptr` came from `allocate(len)` and was not given back before.
#[no_mangle]
pub unsafe extern "C" fn deallocate(ptr: *mut u8, len: usize) {
    if let (false, Some(layout)) = (ptr.is_null(), layout(len)) {
        dealloc(ptr, layout);
    }
}

/// The input of a task. Empty input has no address worth reading.
///
/// # Safety
/// `ptr` and `len` are what the host gave to this task.
pub unsafe fn input<'a>(ptr: *const u8, len: usize) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    std::slice::from_raw_parts(ptr, len)
}

/// Hands `bytes` to the host as `ptr << 32 | len`. They live until the next reply, so a kept instance does not grow.
pub fn reply(bytes: Vec<u8>) -> u64 {
    static mut REPLY: Vec<u8> = Vec::new();
    let packed = (bytes.as_ptr() as u64) << 32 | bytes.len() as u64;
    unsafe { *addr_of_mut!(REPLY) = bytes };
    packed
}

fn layout(len: usize) -> Option<Layout> {
    Layout::from_size_align(len.max(1), 8).ok()
}
