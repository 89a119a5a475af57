#include "store/table/expression_names.h"

#include <algorithm>
#include <array>

#include "store/table/detail/expression_lexer.h"
#include "store/table/detail/limits.h"

namespace fogbank::store::table {
namespace {

bool is_keyword(std::string_view word) {
    static constexpr std::array<std::string_view, 9> keywords{"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"};
    return std::any_of(keywords.begin(), keywords.end(), [&](std::string_view keyword) {
        return std::equal(word.begin(), word.end(), keyword.begin(), keyword.end(),
                          [](char a, char b) { return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b; });
    });
}

}  // namespace

std::vector<std::string> top_attributes(const Expression& expression, const Placeholders& placeholders) {
    std::vector<std::string> out;
    if (expression.text.size() > expression_bytes_max) return out;  // it will be refused
    const auto tokens = tokenize(expression.text);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const Token& token = tokens[i];
        const bool goes_on = i > 0 && tokens[i - 1].text == ".";
        const bool is_call = i + 1 < tokens.size() && tokens[i + 1].text == "(";
        if (goes_on) continue;
        if (token.kind == Token::Kind::name_placeholder) {
            const auto found = placeholders.names.find(token.text);
            if (found != placeholders.names.end()) out.push_back(found->second);
        } else if (token.kind == Token::Kind::identifier && !is_call && !is_keyword(token.text)) {
            out.emplace_back(token.text);
        }
    }
    return out;
}

}  // namespace fogbank::store::table
