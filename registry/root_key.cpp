// The root access key: made on first start and kept.

#include <nlohmann/json.hpp>

#include "registry/detail/impl.h"
#include "registry/detail/keys.h"
#include "registry/detail/root_key.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;

std::string encode(const RootKey& key) {
    return json{{"v", 1}, {"id", key.id}, {"secret", key.secret}}.dump();
}

Result<RootKey> decode(std::string_view bytes) {
    try {
        const json value = json::parse(bytes);
        if (value.at("v").get<int>() == 1) return RootKey{value.at("id").get<std::string>(), value.at("secret").get<std::string>()};
    } catch (const json::exception&) {
        // falls through to the error
    }
    return Error(Errc::store_unavailable, "the stored root access key cannot be read");
}

}  // namespace

Result<RootKey> root_key_in(Transaction& tx, const RootKey& fresh) {
    const auto bytes = tx.get(keys::root_access_key());
    if (!bytes) return bytes.error();
    if (*bytes) return decode(**bytes);
    tx.put(keys::root_access_key(), encode(fresh));
    return fresh;
}

}  // namespace fogbank::registry
