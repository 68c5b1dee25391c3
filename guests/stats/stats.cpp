// Mean, median and the like of the numbers in a text: `1 2.5 3e2`, one to a line, or a JSON list.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

// Shortest text that reads back as the same number; JSON has no infinity.
std::string to_json(double value) {
    if (!std::isfinite(value))
        return "null";
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        std::snprintf(text, sizeof text, "%.*g", digits, value);
        if (std::strtod(text, nullptr) == value)
            break;
    }
    return text;
}

bool is_separator(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == '[' || c == ']'; }
bool is_number(char c) { return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'; }

// The numbers of the text. Stops at what is none; `end` says where.
std::vector<double> read_numbers(const std::string &text, size_t &end) {
    std::vector<double> numbers;
    for (end = 0; end < text.size();) {
        if (is_separator(text[end])) {
            end++;
            continue;
        }
        size_t stop = end;
        while (stop < text.size() && is_number(text[stop]))
            stop++;
        char *read_to = nullptr;
        double number = std::strtod(text.c_str() + end, &read_to);
        if (stop == end || read_to != text.c_str() + stop || !std::isfinite(number))
            break;
        numbers.push_back(number);
        end = stop;
    }
    return numbers;
}

std::string describe(std::vector<double> numbers) {
    if (numbers.empty())
        return R"({"count": 0})";
    std::sort(numbers.begin(), numbers.end());
    double mean = 0, squares = 0; // Welford's method: no large sums, no cancellation
    size_t count = 0;
    for (double number : numbers) {
        double from_old = number - mean;
        mean += from_old / ++count;
        squares += from_old * (number - mean);
    }
    double upper = numbers[count / 2];
    double median = count % 2 ? upper : numbers[count / 2 - 1] / 2 + upper / 2;
    double deviation = count > 1 ? std::sqrt(squares / (count - 1)) : 0;
    return R"({"count": )" + std::to_string(count) + R"(, "min": )" + to_json(numbers.front()) + R"(, "max": )" +
           to_json(numbers.back()) + R"(, "mean": )" + to_json(mean) + R"(, "median": )" + to_json(median) +
           R"(, "stdev": )" + to_json(deviation) + "}";
}

} // namespace

// {"count", "min", "max", "mean", "median", "stdev"}, or {"error"}.
extern "C" __attribute__((export_name("describe"))) uint64_t describe_text(const char *text, size_t length) {
    static std::string reply; // outlives the call, so the host can read it
    size_t end;
    std::string input(text, length);
    std::vector<double> numbers = read_numbers(input, end);
    reply = end == input.size() ? describe(std::move(numbers))
                                : R"({"error": "no number at byte )" + std::to_string(end) + "\"}";
    return (uint64_t)(uintptr_t)reply.data() << 32 | reply.size();
}
