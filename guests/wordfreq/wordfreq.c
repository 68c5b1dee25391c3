/* Counts words with the C library: malloc and free are the exported allocator, snprintf writes the reply. */

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORD = 64, TOP = 10 };

struct word {
    const char *text;
    size_t length;
    unsigned count;
};

struct table {
    struct word *words; /* open addressing; a free place has no text */
    size_t capacity, used;
};

__attribute__((import_module("env"), import_name("log"))) void host_log(const char *text, size_t length);

/* Letters, digits, apostrophes, and every byte of a character beyond ASCII. */
static int is_word(unsigned char byte) { return isalnum(byte) || byte == '\'' || byte >= 0x80; }

static struct word *place_of(const struct table *table, const char *text, size_t length) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    for (size_t at = hash & (table->capacity - 1);; at = (at + 1) & (table->capacity - 1)) {
        struct word *word = &table->words[at];
        if (!word->text || (word->length == length && memcmp(word->text, text, length) == 0))
            return word;
    }
}

static void grow(struct table *table) {
    struct table larger = {.capacity = table->capacity ? 2 * table->capacity : 256, .used = table->used};
    larger.words = calloc(larger.capacity, sizeof *larger.words);
    if (!larger.words)
        abort();
    for (size_t i = 0; i < table->capacity; i++)
        if (table->words[i].text)
            *place_of(&larger, table->words[i].text, table->words[i].length) = table->words[i];
    free(table->words);
    *table = larger;
}

static void add(struct table *table, const char *text, size_t length) {
    if (4 * (table->used + 1) > 3 * table->capacity)
        grow(table);
    struct word *word = place_of(table, text, length);
    if (!word->text) {
        *word = (struct word){.text = text, .length = length};
        table->used++;
    }
    word->count++;
}

/* The most frequent first, equals by alphabet, free places last. */
static int by_count(const void *left, const void *right) {
    const struct word *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    if (!a->text)
        return 0;
    int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* {"words": all, "distinct": different ones, "top": [{"word", "count"}, ...]}; words beyond 64 bytes do not count. */
__attribute__((export_name("word_frequency"))) uint64_t word_frequency(const char *text, size_t length) {
    static char reply[TOP * (MAX_WORD + 40) + 80]; /* outlives the call, so the host can read it */
    struct table table = {0};
    size_t words = 0;
    char *lower = malloc(length + 1);
    if (!lower)
        abort();

    for (size_t i = 0; i < length; i++) {
        size_t start = i;
        for (; i < length && is_word(text[i]); i++)
            lower[i] = tolower((unsigned char)text[i]);
        if (i > start && i - start <= MAX_WORD) {
            add(&table, lower + start, i - start);
            words++;
        }
    }
    if (table.used)
        qsort(table.words, table.capacity, sizeof *table.words, by_count);

    int end = snprintf(reply, sizeof reply, "{\"words\": %zu, \"distinct\": %zu, \"top\": [", words, table.used);
    for (size_t i = 0; i < table.used && i < TOP; i++) {
        const struct word *word = &table.words[i];
        end += snprintf(reply + end, sizeof reply - end, "%s{\"word\": \"%.*s\", \"count\": %u}", i ? ", " : "",
                        (int)word->length, word->text, word->count);
    }
    end += snprintf(reply + end, sizeof reply - end, "]}");
    free(table.words);
    free(lower);

    char line[80];
    int line_length = snprintf(line, sizeof line, "%zu words, %zu different", words, table.used);
    host_log(line, line_length);
    return (uint64_t)(uintptr_t)reply << 32 | (uint32_t)end;
}
