/// The words of DynamoDB's expression languages. Source: Developer Guide, "Using expressions in DynamoDB".
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace fogbank::store::table {

struct Token {
    enum class Kind : unsigned char {
        identifier,         ///< an attribute, a function or a keyword
        name_placeholder,   ///< `#name`
        value_placeholder,  ///< `:value`
        index,              ///< digits, as in `[1]`
        symbol,             ///< `= <> < <= > >= ( ) [ ] , . + -`
        unknown,            ///< a character that no expression has; the parser refuses it
        end,
    };
    Kind kind = Kind::end;
    std::string_view text;     ///< `<EOF>` for the end
    std::size_t position = 0;  ///< byte in the expression
};

/// Splits the text; the last token is always `end`. Tokens point into `text`.
std::vector<Token> tokenize(std::string_view text);

}  // namespace fogbank::store::table
