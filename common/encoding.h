/// Text forms of bytes and the hashes that AWS protocols use. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fogbank {

std::string hex_encode(std::string_view bytes);                        ///< lower case
std::optional<std::string> hex_decode(std::string_view hex);           ///< either case; nothing on an odd length or another character
std::string base64_encode(std::string_view bytes);                     ///< RFC 4648 section 4, padded
std::optional<std::string> base64_decode(std::string_view text);       ///< strict: padded, no white space; nothing if malformed
std::string sha256(std::string_view bytes);                            ///< 32 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view data);  ///< 32 raw bytes

/// Percent-encodes every byte outside `A-Z a-z 0-9 - _ . ~` (and `/` if `keep_slash`), upper-case hex, as SigV4 wants it.
std::string percent_encode(std::string_view text, bool keep_slash = false);
/// Decodes `%XX`; with `plus_is_space` also `+`. Nothing if a `%` is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// True for well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_valid_utf8(std::string_view text);

}  // namespace fogbank
