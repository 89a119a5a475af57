/// Splits IoT SQL text into tokens with byte positions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace fogbank::rules::sql {

enum class TokenKind : std::uint8_t {
    end,
    word,      ///< identifier or keyword: letters, digits, `_`, bytes above 0x7F; does not begin with a digit
    variable,  ///< `@name`; text without the `@`
    integer,
    decimal,
    string,  ///< text without quotes, doubled quotes halved
    symbol,  ///< one of `= <> < <= > >= + - * / % ( ) [ ] { } , : .`
};

struct Token {
    TokenKind kind = TokenKind::end;
    std::string text;
    std::size_t position = 0;  ///< byte offset of its first byte
    std::size_t end = 0;       ///< byte offset after its last byte
};

/// `sql at byte 41: why` with Errc::sql_parse.
Error sql_error(std::size_t position, std::string_view why);

class Lexer {
  public:
    /// @param sql  must outlive the lexer.
    explicit Lexer(std::string_view sql, std::size_t begin = 0) : sql_(sql), at_(begin) {}
    /// Errors: sql_parse for a character outside of the grammar or an unfinished string.
    Result<Token> next();

  private:
    Result<Token> quoted(char quote);
    Token number();
    Result<Token> symbol();
    Token finish(TokenKind kind, std::size_t begin) const;

    std::string_view sql_;
    std::size_t at_;
};

/// Compares with an upper-case keyword; keywords are not case-sensitive.
bool is_keyword(const Token& token, std::string_view keyword);

}  // namespace fogbank::rules::sql
