//! Base64 both ways. `decode` of what is no Base64 logs why and traps: the task fails, the host does not.

const std = @import("std");
const base64 = std.base64.standard;
const memory = std.heap.wasm_allocator;

extern "env" fn log(ptr: [*]const u8, len: usize) void;

/// The reply lives until the next one, so that a kept instance does not grow.
var reply: []u8 = &.{};

/// The input as Base64 text.
export fn encode(ptr: [*]const u8, len: usize) u64 {
    resizeReply(base64.Encoder.calcSize(len));
    _ = base64.Encoder.encode(reply, ptr[0..len]);
    return packedPointer(reply);
}

/// The bytes that the Base64 text stands for; white space around it is left out.
export fn decode(ptr: [*]const u8, len: usize) u64 {
    const text = std.mem.trim(u8, ptr[0..len], " \t\r\n");
    const size = base64.Decoder.calcSizeForSlice(text) catch |err| fail(err);
    resizeReply(size);
    base64.Decoder.decode(reply, text) catch |err| fail(err);
    return packedPointer(reply);
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

fn resizeReply(size: usize) void {
    reply = memory.realloc(reply, size) catch |err| fail(err);
}

fn packedPointer(bytes: []const u8) u64 {
    return @as(u64, @intFromPtr(bytes.ptr)) << 32 | bytes.len;
}

fn fail(err: anyerror) noreturn {
    const reason = @errorName(err);
    log(reason.ptr, reason.len);
    @trap();
}
