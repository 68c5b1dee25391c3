//! A title as a part of a web address, through the `cstring` convention: "Hello, World!" becomes "hello-world".

const std = @import("std");
const ascii = std.ascii;
const memory = std.heap.wasm_allocator;

/// The reply lives until the next one, so that a kept instance does not grow.
var reply: []u8 = &.{};

/// Letters and digits of ASCII in lower case, a dash for whatever is between them; null if the title has none.
export fn process(title: [*:0]const u8) ?[*]const u8 {
    const text = std.mem.span(title);
    reply = memory.realloc(reply, text.len + 1) catch return null;

    var end: usize = 0;
    var gap = false;
    for (text) |byte| {
        if (!ascii.isAlphanumeric(byte)) {
            gap = end > 0;
            continue;
        }
        if (gap) {
            reply[end] = '-';
            end += 1;
            gap = false;
        }
        reply[end] = ascii.toLower(byte);
        end += 1;
    }
    reply[end] = 0;
    return if (end > 0) reply.ptr else null;
}

/// Where the host may write `len` bytes; null when there is no memory left.
export fn allocate(len: usize) ?[*]u8 {
    const bytes = memory.alloc(u8, @max(len, 1)) catch return null;
    return bytes.ptr;
}

/// The host is done with what `allocate(len)` answered.
export fn deallocate(ptr: [*]u8, len: usize) void {
    memory.free(ptr[0..@max(len, 1)]);
}
