#include "store/table/detail/partiql_lexer.h"

#include <algorithm>
#include <cctype>

#include "store/table/detail/errors.h"

namespace fogbank::store::table {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// `'it''s'` or `"a""b"`: up to the single quote mark; two stand for one.
Result<std::string> quoted_text(std::string_view text, std::size_t& at) {
    const char mark = text[at];
    const std::size_t begin = at++;
    std::string out;
    for (; at < text.size(); ++at) {
        if (text[at] != mark) {
            out += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == mark) {
            out += text[at++];
        } else {
            ++at;
            return out;
        }
    }
    return partiql_error(begin, "Unterminated quoted text");
}

std::string symbol_at(std::string_view rest) {
    for (const std::string_view two : {"<<", ">>", "<>", "<=", ">=", "!="}) {
        if (rest.starts_with(two)) return std::string(two);
    }
    return std::string(rest.substr(0, 1));
}

}  // namespace

bool is_partiql_keyword(std::string_view a, std::string_view upper) {
    return std::equal(a.begin(), a.end(), upper.begin(), upper.end(),
                      [](char x, char y) { return std::toupper(static_cast<unsigned char>(x)) == y; });
}

Error partiql_error(std::size_t position, const std::string& why) {
    return validation("Statement wasn't well formed, can't be processed: " + why + " at byte " + std::to_string(position + 1));
}

Result<std::vector<PartiQlWord>> split_partiql(std::string_view text) {
    std::vector<PartiQlWord> words;
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
            ++at;
            continue;
        }
        PartiQlWord word;
        word.position = at;
        if (is_letter(text[at])) {
            word.kind = PartiQlWord::Kind::identifier;
            const std::size_t begin = at;
            while (at < text.size() && (is_letter(text[at]) || is_digit(text[at]))) ++at;
            word.text = text.substr(begin, at - begin);
        } else if (is_digit(text[at]) || (text[at] == '.' && at + 1 < text.size() && is_digit(text[at + 1]))) {
            word.kind = PartiQlWord::Kind::number;
            const std::size_t begin = at;
            while (at < text.size() && (is_digit(text[at]) || text[at] == '.' || text[at] == 'e' || text[at] == 'E' ||
                                        ((text[at] == '+' || text[at] == '-') && (text[at - 1] == 'e' || text[at - 1] == 'E'))))
                ++at;
            word.text = text.substr(begin, at - begin);
        } else if (text[at] == '\'' || text[at] == '"') {
            word.kind = text[at] == '"' ? PartiQlWord::Kind::quoted : PartiQlWord::Kind::string;
            auto content = quoted_text(text, at);
            if (!content) return content.error();
            word.text = std::move(*content);
        } else {
            word.kind = PartiQlWord::Kind::symbol;
            word.text = symbol_at(text.substr(at));
            at += word.text.size();
        }
        words.push_back(std::move(word));
    }
    PartiQlWord end;
    end.position = text.size();
    words.push_back(std::move(end));
    return words;
}

}  // namespace fogbank::store::table
