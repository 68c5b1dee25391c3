/* Work for benchmarks in 128-bit vectors: sixteen bytes, or four numbers, at a time. No C library. */

#include <stddef.h>
#include <stdint.h>
#include <wasm_simd128.h>

#include "../shared/bump.h"

/* How many lines the input has: its line breaks, and what stands behind the last. */
EXPORT("count_lines") uint32_t count_lines(const unsigned char *bytes, size_t length) {
    uint32_t lines = 0;
    size_t at = 0;
    for (; at + 16 <= length; at += 16)
        lines += __builtin_popcount(wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(bytes + at), wasm_i8x16_splat('\n'))));
    for (; at < length; at++)
        lines += bytes[at] == '\n';
    return lines + (length > 0 && bytes[length - 1] != '\n');
}

enum { MOST = 256 };
static float left[MOST][MOST], right[MOST][MOST], product[MOST][MOST];

/* Multiplies two size x size matrices of small whole numbers, size a multiple of 4; the sum of the product. */
EXPORT("multiply") float multiply(uint32_t size) {
    v128_t sum = wasm_f32x4_splat(0);
    if (size > MOST || size % 4)
        return __builtin_nanf("");
    for (uint32_t i = 0; i < size; i++)
        for (uint32_t j = 0; j < size; j++)
            left[i][j] = (float)((i + j) % 2), right[i][j] = (float)((3 * i + j) % 3);
    for (uint32_t i = 0; i < size; i++)
        for (uint32_t j = 0; j < size; j += 4) {
            v128_t cell = wasm_f32x4_splat(0);
            for (uint32_t k = 0; k < size; k++)
                cell = wasm_f32x4_add(cell, wasm_f32x4_mul(wasm_f32x4_splat(left[i][k]), wasm_v128_load(&right[k][j])));
            wasm_v128_store(&product[i][j], cell);
            sum = wasm_f32x4_add(sum, cell);
        }
    return wasm_f32x4_extract_lane(sum, 0) + wasm_f32x4_extract_lane(sum, 1) + wasm_f32x4_extract_lane(sum, 2)
         + wasm_f32x4_extract_lane(sum, 3);
}
