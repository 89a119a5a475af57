// base64 and hashes. Source: reference "rules-sql", sections 9.2 and 9.3.

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "common/encoding.h"
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

/// An owned copy: the text that `value` borrows from goes with its parser.
Value owned(const Value& value) {
    switch (value.kind()) {
        case Value::Kind::string:
            return Value::string(std::string(value.text()));
        case Value::Kind::array: {
            Array items;
            for (const Value& item : value.items()) items.push_back(owned(item));
            return Value::array(std::move(items));
        }
        case Value::Kind::object: {
            Object members;
            for (const auto& [name, member] : value.members()) members.append(Text::owned(std::string(name.view())), owned(member));
            return Value::object(std::move(members));
        }
        default:
            return value;
    }
}

/// JSON text becomes its value, other text a String, what does not decode Null (section 9.3).
Value decode(const CallContext& context, Arguments arguments) {
    const auto text = to_text(arguments[0]);
    if (!text || !is_base64(arguments[1])) return {};
    const auto bytes = base64_decode(text->view());
    if (!bytes || !is_valid_utf8(*bytes)) return Value::null();
    Payload payload;
    if (payload.parse(*bytes, true)) return owned(payload.root(context.version));
    return Value::string(*bytes);
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
constexpr std::array<Function, 8> table{{
    {"decode", 2, 2, v2016, true, false, decode},
    {"encode", 2, 2, v2016, true, true, encode},
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
