/* CRC-32 without a C library: what a swarm needs at the least, and an allocator of its own. */

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
enum { PAGE = 65536 };

extern unsigned char __heap_base; /* the linker puts it where the free memory begins */
static uintptr_t top = (uintptr_t)&__heap_base;

/* Where the host may write `length` bytes; 0 when memory cannot grow any more. */
EXPORT("allocate") uintptr_t allocate(size_t length) {
    uintptr_t start = (top + 7) & ~(uintptr_t)7;
    size_t pages = __builtin_wasm_memory_size(0), wanted = ((uint64_t)start + length + PAGE - 1) / PAGE;
    if (wanted > pages && __builtin_wasm_memory_grow(0, wanted - pages) == (size_t)-1)
        return 0;
    top = start + length;
    return start;
}

/* The last allocation is the first to be given back, so moving the top is enough. */
EXPORT("deallocate") void deallocate(uintptr_t start, size_t length) {
    if (start + length == top)
        top = start;
}

/* CRC-32 of zip, gzip and PNG, four bits at a time. A value above 2^31 arrives as a negative number. */
EXPORT("crc32") uint32_t crc32(const unsigned char *bytes, size_t length) {
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = ~0u;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}
