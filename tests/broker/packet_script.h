/// The notation of wire cases: packets as hex with what a reader would otherwise have to count.
///
///     82 [0001 s'a/b' 00]     brackets: the remaining length is put in front
///     (11 0000000a)           parentheses: the same for MQTT 5's properties
///     s'text'                 two bytes of length and the text;  'text': the text alone
///     x5000                   five thousand letters x;  sx5000: the same with two bytes of length
#pragma once

#include <cctype>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fogbank::broker::testing {

class PacketScript {
  public:
    static std::string bytes(std::string_view text) {
        PacketScript script(text);
        std::string out = script.read_until('\0');
        return out;
    }

  private:
    explicit PacketScript(std::string_view text) : rest_(text) {}

    std::string read_until(char end) {
        std::string out;
        while (!rest_.empty()) {
            const char c = take();
            if (c == end) return out;
            if (c == ' ') continue;
            if (c == '[' || c == '(') {
                const std::string inner = read_until(c == '[' ? ']' : ')');
                append_length(out, inner.size());
                out += inner;
            } else if (c == 's') {
                const std::string text = take() == 'x' ? letters() : quoted();
                out.push_back(static_cast<char>(text.size() >> 8));
                out.push_back(static_cast<char>(text.size() & 0xFF));
                out += text;
            } else if (c == '\'') {
                out += quoted();
            } else if (c == 'x') {
                out += letters();
            } else {
                out.push_back(static_cast<char>(digit(c) * 16 + digit(take())));
            }
        }
        if (end != '\0') throw std::runtime_error("packet script: a bracket is not closed");
        return out;
    }
    char take() {
        if (rest_.empty()) throw std::runtime_error("packet script: ends too early");
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    std::string quoted() {
        const std::size_t end = rest_.find('\'');
        std::string text(rest_.substr(0, end));
        rest_.remove_prefix(end + 1);
        return text;
    }
    std::string letters() {
        std::size_t count = 0;
        while (!rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_.front())) != 0)
            count = count * 10 + static_cast<std::size_t>(take() - '0');
        return std::string(count, 'x');
    }
    static int digit(char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        throw std::runtime_error(std::string("packet script: not a hex digit: ") + c);
    }
    static void append_length(std::string& out, std::size_t size) {
        while (size > 0x7F) {
            out.push_back(static_cast<char>((size & 0x7F) | 0x80));
            size >>= 7;
        }
        out.push_back(static_cast<char>(size));
    }

    std::string_view rest_;
};

}  // namespace fogbank::broker::testing
