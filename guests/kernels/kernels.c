/* Work for benchmarks, of the kinds that guests do: hashing, sorting, matrices. No C library. */

#include <stddef.h>
#include <stdint.h>

#include "../shared/bump.h"

/* --- SHA-256 (FIPS 180-4) ------------------------------------------------------------------------- */

static const uint32_t ROUND[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotated(uint32_t word, int by) { return word >> by | word << (32 - by); }

static void compress(uint32_t hash[8], const unsigned char *block) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t low = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t high = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + low + w[i - 7] + high;
    }
    for (int i = 0; i < 8; i++)
        s[i] = hash[i];
    for (int i = 0; i < 64; i++) {
        uint32_t one = rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25);
        uint32_t first = s[7] + one + ((s[4] & s[5]) ^ (~s[4] & s[6])) + ROUND[i] + w[i];
        uint32_t zero = rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22);
        uint32_t second = zero + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + first;
        s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = first + second;
    }
    for (int i = 0; i < 8; i++)
        hash[i] += s[i];
}

static unsigned char digest[32];

/* The 32 bytes of the digest. */
EXPORT("sha256") uint64_t sha256(const unsigned char *bytes, size_t length) {
    uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    unsigned char last[128] = {0};
    size_t whole = length & ~(size_t)63, rest = length - whole, end = rest < 56 ? 64 : 128;
    for (size_t at = 0; at < whole; at += 64)
        compress(hash, bytes + at);
    for (size_t i = 0; i < rest; i++)
        last[i] = bytes[whole + i];
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        last[end - 1 - i] = (unsigned char)((uint64_t)length * 8 >> (8 * i));
    for (size_t at = 0; at < end; at += 64)
        compress(hash, last + at);
    for (int i = 0; i < 32; i++)
        digest[i] = (unsigned char)(hash[i / 4] >> (24 - 8 * (i % 4)));
    return (uint64_t)(uintptr_t)digest << 32 | sizeof digest;
}

/* --- sorting --------------------------------------------------------------------------------------- */

static void sift(uint32_t *values, size_t from, size_t count) {
    uint32_t value = values[from];
    for (size_t child; (child = 2 * from + 1) < count; from = child) {
        child += child + 1 < count && values[child + 1] > values[child];
        if (values[child] <= value)
            break;
        values[from] = values[child];
    }
    values[from] = value;
}

/* Sorts the 32-bit words of the input where they lie, and answers with them. */
EXPORT("sort") uint64_t sort(uint32_t *values, size_t length) {
    size_t count = length / sizeof *values;
    for (size_t i = count / 2; i-- > 0;)
        sift(values, i, count);
    for (size_t last = count; last-- > 1;) {
        uint32_t most = values[0];
        values[0] = values[last], values[last] = most;
        sift(values, 0, last);
    }
    return (uint64_t)(uintptr_t)values << 32 | count * sizeof *values;
}

/* --- matrices -------------------------------------------------------------------------------------- */

enum { MOST = 256 };
static double left[MOST][MOST], right[MOST][MOST], product[MOST][MOST];

/* Multiplies two size x size matrices of simple fractions; the sum of the product, NaN beyond 256. */
EXPORT("multiply") double multiply(uint32_t size) {
    double sum = 0;
    if (size > MOST)
        return __builtin_nan("");
    for (uint32_t i = 0; i < size; i++)
        for (uint32_t j = 0; j < size; j++)
            left[i][j] = (i + 2 * j) % 7 * 0.25, right[i][j] = (3 * i + j) % 5 * 0.5, product[i][j] = 0;
    for (uint32_t i = 0; i < size; i++)
        for (uint32_t k = 0; k < size; k++)
            for (uint32_t j = 0; j < size; j++)
                product[i][j] += left[i][k] * right[k][j];
    for (uint32_t i = 0; i < size; i++)
        for (uint32_t j = 0; j < size; j++)
            sum += product[i][j];
    return sum;
}
