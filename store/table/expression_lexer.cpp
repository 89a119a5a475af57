#include "store/table/detail/expression_lexer.h"

namespace fogbank::store::table {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_word(char c) {
    return is_letter(c) || is_digit(c) || c == '_';
}
bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t while_true(std::string_view text, std::size_t from, bool (*holds)(char)) {
    while (from < text.size() && holds(text[from])) ++from;
    return from;
}

std::size_t symbol_length(std::string_view rest) {
    for (const std::string_view two : {"<>", "<=", ">="}) {
        if (rest.starts_with(two)) return 2;
    }
    return std::string_view("=<>()[],.+-").find(rest.front()) != std::string_view::npos ? 1 : 0;
}

/// Bytes of the character at the front, so that an error never cuts one in two.
std::size_t character_length(std::string_view rest) {
    std::size_t length = 1;
    while (length < rest.size() && (static_cast<unsigned char>(rest[length]) & 0xC0) == 0x80) ++length;
    return length;
}

Token next_token(std::string_view text, std::size_t at) {
    const char first = text[at];
    const auto token = [&](Token::Kind kind, std::size_t end) { return Token{kind, text.substr(at, end - at), at}; };
    if (is_letter(first)) return token(Token::Kind::identifier, while_true(text, at, is_word));
    if (is_digit(first)) return token(Token::Kind::index, while_true(text, at, is_digit));
    if (first == '#' || first == ':') {
        const std::size_t end = while_true(text, at + 1, is_word);
        const auto kind = first == '#' ? Token::Kind::name_placeholder : Token::Kind::value_placeholder;
        return token(end == at + 1 ? Token::Kind::unknown : kind, end);
    }
    const std::string_view rest = text.substr(at);
    if (const std::size_t length = symbol_length(rest); length > 0) return token(Token::Kind::symbol, at + length);
    return token(Token::Kind::unknown, at + character_length(rest));
}

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
    std::vector<Token> tokens;
    for (std::size_t at = while_true(text, 0, is_space); at < text.size(); at = while_true(text, at, is_space)) {
        tokens.push_back(next_token(text, at));
        at += tokens.back().text.size();
    }
    tokens.push_back(Token{Token::Kind::end, "<EOF>", text.size()});
    return tokens;
}

}  // namespace fogbank::store::table
