/* The guest's side of the `buffer` convention without a C library: an allocator that moves a mark. */

#ifndef BUMP_H
#define BUMP_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
enum { PAGE = 65536 };

extern unsigned char __heap_base; /* the linker puts it where the free memory begins */
static uintptr_t top = (uintptr_t)&__heap_base;

/* Where the host may write `length` bytes, aligned for any value; 0 when memory cannot grow any more. */
EXPORT("allocate") uintptr_t allocate(size_t length) {
    uintptr_t start = (top + 15) & ~(uintptr_t)15;
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

#endif
