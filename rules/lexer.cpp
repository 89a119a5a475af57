#include "rules/lexer.h"

#include <algorithm>
#include <array>

#include "rules/errc.h"

namespace fogbank::rules::sql {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
bool begins_word(char c) {
    return (upper(c) >= 'A' && upper(c) <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) {
    return begins_word(c) || is_digit(c);
}

constexpr std::array<std::string_view, 3> two_byte_symbols{"<>", "<=", ">="};
constexpr std::string_view one_byte_symbols = "=<>+-*/%()[]{},:.";

}  // namespace

Error sql_error(std::size_t position, std::string_view why) {
    return {Errc::sql_parse, "sql at byte " + std::to_string(position) + ": " + std::string(why)};
}

bool is_keyword(const Token& token, std::string_view keyword) {
    return token.kind == TokenKind::word && token.text.size() == keyword.size() &&
           std::equal(keyword.begin(), keyword.end(), token.text.begin(), [](char a, char b) { return a == upper(b); });
}

Token Lexer::finish(TokenKind kind, std::size_t begin) const {
    return {kind, std::string(sql_.substr(begin, at_ - begin)), begin, at_};
}

Result<Token> Lexer::next() {
    while (at_ < sql_.size() && std::string_view(" \t\r\n").find(sql_[at_]) != std::string_view::npos) ++at_;
    const std::size_t begin = at_;
    if (at_ == sql_.size()) return finish(TokenKind::end, begin);
    const char c = sql_[at_];
    if (c == '\'' || c == '"') return quoted(c);
    if (is_digit(c)) return number();
    if (c == '@') {
        while (++at_ < sql_.size() && continues_word(sql_[at_])) {
        }
        Token token = finish(TokenKind::variable, begin);
        token.text.erase(0, 1);
        if (token.text.empty()) return sql_error(begin, "a variable's name must follow `@`");
        return token;
    }
    if (!begins_word(c)) return symbol();
    while (at_ < sql_.size() && continues_word(sql_[at_])) ++at_;
    return finish(TokenKind::word, begin);
}

/// AWS documents no escapes; a doubled quote is ANSI's way, and a backslash stays what it is, as regular expressions need it.
Result<Token> Lexer::quoted(char quote) {
    Token token{TokenKind::string, {}, at_, 0};
    for (++at_; at_ < sql_.size(); ++at_) {
        if (sql_[at_] == quote) {
            ++at_;
            if (at_ == sql_.size() || sql_[at_] != quote) {
                token.end = at_;
                return token;
            }
        }
        token.text += sql_[at_];
    }
    return sql_error(token.position, "the string is not closed");
}

Token Lexer::number() {
    const std::size_t begin = at_;
    TokenKind kind = TokenKind::integer;
    const auto digits = [this] {
        while (at_ < sql_.size() && is_digit(sql_[at_])) ++at_;
    };
    const auto digit_at = [this](std::size_t i) { return i < sql_.size() && is_digit(sql_[i]); };
    digits();
    if (at_ < sql_.size() && sql_[at_] == '.' && digit_at(at_ + 1)) {
        kind = TokenKind::decimal;
        ++at_;
        digits();
    }
    if (at_ < sql_.size() && upper(sql_[at_]) == 'E') {
        const std::size_t sign = at_ + 1 < sql_.size() && (sql_[at_ + 1] == '-' || sql_[at_ + 1] == '+') ? 1 : 0;
        if (digit_at(at_ + 1 + sign)) {
            kind = TokenKind::decimal;
            at_ += 1 + sign;
            digits();
        }
    }
    return finish(kind, begin);
}

Result<Token> Lexer::symbol() {
    const std::size_t begin = at_;
    const std::string_view two = sql_.substr(at_, 2);
    if (std::find(two_byte_symbols.begin(), two_byte_symbols.end(), two) != two_byte_symbols.end()) {
        at_ += 2;
        return finish(TokenKind::symbol, begin);
    }
    if (one_byte_symbols.find(sql_[at_]) == std::string_view::npos) {
        if (two == "!=" || two == "==" || two == "||") return sql_error(begin, "`" + std::string(two) + "` is not an operator of IoT SQL");
        return sql_error(begin, "unexpected character `" + std::string(sql_.substr(at_, 1)) + "`");
    }
    ++at_;
    return finish(TokenKind::symbol, begin);
}

}  // namespace fogbank::rules::sql
