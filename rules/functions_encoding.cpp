// base64, protobuf and hashes. Source: reference "rules-sql", sections 9.2 and 9.3.

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "common/encoding.h"
#include "rules/external.h"
#include "rules/functions.h"

namespace fogbank::rules::sql {
namespace {

bool is_base64(const Value& scheme) {
    return scheme.is_string() && scheme.text() == "base64";
}

/// The first argument may be `*`: it arrives as a String of the payload's bytes.
Value encode(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    return text && is_base64(arguments[1]) ? bounded_string(base64_encode(text->view())) : Value();
}

/// JSON text becomes its value, other text a String, what does not decode Null (section 9.3).
Value decode_base64(const CallContext& context, const Value& encoded) {
    const auto text = to_text(encoded);
    if (!text) return {};
    const auto bytes = base64_decode(text->view());
    if (!bytes || !is_valid_utf8(*bytes)) return Value::null();
    auto json = value_of_json(*bytes, context.version);
    return json ? std::move(*json) : Value::string(*bytes);
}

/// decode(value, 'proto', bucket, key, file, messageType). The value is `*`, the payload's own bytes, or Base64 text; both arrive as a
/// String, and protobuf bytes that are valid Base64 by chance are told apart by the compiler's mark on `*`.
Value decode_protobuf(const CallContext& context, Arguments arguments) {
    for (std::size_t i = 2; i < arguments.size(); ++i) {
        if (!arguments[i].is_string()) return {};
    }
    if (!arguments[0].is_string()) return {};
    std::string bytes(arguments[0].text());
    const bool raw = context.message != nullptr && arguments[0].text().data() == context.message->message().payload().data();
    if (!raw) {
        auto decoded = base64_decode(bytes);
        if (!decoded) return {};
        bytes = std::move(*decoded);
    }
    const auto descriptor = ask(context, External::object, {std::string(arguments[2].text()), std::string(arguments[3].text())});
    if (!descriptor) return {};
    std::string failure;
    const auto json = protobuf_to_json(bytes, *descriptor, arguments[4].text(), arguments[5].text(), failure);
    if (!json) return external_failure(context, "decode: " + failure);
    auto value = value_of_json(*json, context.version);
    return value ? std::move(*value) : Value();
}

Value decode(const CallContext& context, Arguments arguments) {
    if (arguments.size() == 2) return is_base64(arguments[1]) ? decode_base64(context, arguments[0]) : Value();
    if (arguments.size() != 6 || !arguments[1].is_string() || arguments[1].text() != "proto") return {};
    return decode_protobuf(context, arguments);
}

Value md2(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    return text ? Value::string(md2_hex(text->view())) : Value();
}

template <const EVP_MD* (*algorithm)()>
Value hash(const CallContext&, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    if (!text) return {};
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(text->view().data(), text->view().size(), digest.data(), &size, algorithm(), nullptr) != 1) return {};
    return Value::string(hex_encode({reinterpret_cast<const char*>(digest.data()), size}));
}

constexpr auto v2015 = Version::v2015_10_08;
constexpr auto v2016 = Version::v2016_03_23;
constexpr std::array<Function, 9> table{{
    {"decode", 2, 6, v2016, false, true, decode},
    {"encode", 2, 2, v2016, true, true, encode},
    {"md2", 1, 1, v2015, true, false, md2},
    {"md5", 1, 1, v2015, true, false, hash<EVP_md5>},
    {"sha1", 1, 1, v2015, true, false, hash<EVP_sha1>},
    {"sha224", 1, 1, v2015, true, false, hash<EVP_sha224>},
    {"sha256", 1, 1, v2015, true, false, hash<EVP_sha256>},
    {"sha384", 1, 1, v2015, true, false, hash<EVP_sha384>},
    {"sha512", 1, 1, v2015, true, false, hash<EVP_sha512>},
}};

}  // namespace

std::span<const Function> encoding_functions() {
    return table;
}

}  // namespace fogbank::rules::sql
