#include "api/xml.h"

#include "common/encoding.h"

namespace fogbank::api {

std::string xml_text(std::string_view text) {
    const bool utf8 = is_valid_utf8(text);
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '&') {
            out += "&amp;";
        } else if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else {
            const bool control = byte < 0x20 && c != '\t' && c != '\n' && c != '\r';
            out += control || (byte >= 0x80 && !utf8) ? '?' : c;
        }
    }
    return out;
}

}  // namespace fogbank::api
