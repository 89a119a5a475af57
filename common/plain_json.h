/// Finding the end of what needs no escape in a JSON string (RFC 8259, section 7).
#pragma once

#include <cstddef>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace fogbank {

inline bool is_plain_json(char c) {
    return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20;
}

#ifdef __SSE2__
/// One bit for each of 16 bytes that a JSON string cannot hold as it is.
inline unsigned not_plain_json(__m128i bytes) {
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control)));
}
#endif

/// The first byte from `at` on that is a quote, a backslash or a control byte; `end` if there is none.
inline const char* end_of_plain_json(const char* at, const char* end) {
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        if (const unsigned found = not_plain_json(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))); found != 0)
            return at + __builtin_ctz(found);
    }
    // Names and values are mostly shorter than 16 bytes.
    if (end - at >= 8) {
        if (const unsigned found = not_plain_json(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at))) & 0xFFU; found != 0)
            return at + __builtin_ctz(found);
        at += 8;
    }
#endif
    while (at != end && is_plain_json(*at)) ++at;
    return at;
}

/// How many bytes at the front of `text` need no escape.
inline std::size_t plain_json_bytes(std::string_view text) {
    return static_cast<std::size_t>(end_of_plain_json(text.data(), text.data() + text.size()) - text.data());
}

}  // namespace fogbank
