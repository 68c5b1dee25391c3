/* wc as a command: text on standard input, options as arguments, counts on standard output. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: wc [-l] [-w] [-c] < text\n";

static void print_count(unsigned long count) {
    static int printed;
    printf(printed++ ? " %lu" : "%lu", count);
}

int main(int argc, char **argv) {
    int lines_wanted = 0, words_wanted = 0, bytes_wanted = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-l") == 0) {
            lines_wanted = 1;
        } else if (strcmp(argv[i], "-w") == 0) {
            words_wanted = 1;
        } else if (strcmp(argv[i], "-c") == 0) {
            bytes_wanted = 1;
        } else {
            fprintf(stderr, "wc: unknown option %s\n%s", argv[i], usage);
            return 2;
        }
    }
    if (!lines_wanted && !words_wanted && !bytes_wanted)
        lines_wanted = words_wanted = bytes_wanted = 1;

    unsigned long lines = 0, words = 0, bytes = 0;
    int in_word = 0;
    for (int byte; (byte = getchar()) != EOF; bytes++) {
        lines += byte == '\n';
        words += !isspace(byte) && !in_word;
        in_word = !isspace(byte);
    }

    if (lines_wanted)
        print_count(lines);
    if (words_wanted)
        print_count(words);
    if (bytes_wanted)
        print_count(bytes);
    putchar('\n');
    return 0;
}
