#include "registry/access_keys.h"

#include <nlohmann/json.hpp>

#include "registry/detail/impl.h"
#include "registry/detail/keys.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;

/// AWS's ids are base 32. Its secrets are base 64; `+` and `/` are left out because they break in shells and URLs.
constexpr std::string_view id_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view secret_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t id_random_characters = 16;
constexpr std::size_t secret_characters = 40;

struct StoredKey {
    std::string id, secret;
};

std::string encode(const StoredKey& key) {
    return json{{"v", 1}, {"id", key.id}, {"secret", key.secret}}.dump();
}

Result<StoredKey> decode(std::string_view bytes) {
    try {
        const json value = json::parse(bytes);
        if (value.at("v").get<int>() == 1) return StoredKey{value.at("id").get<std::string>(), value.at("secret").get<std::string>()};
    } catch (const json::exception&) {
        // falls through to the error
    }
    return Error(Errc::store_unavailable, "the stored root access key cannot be read");
}

class AccessKeysImpl final : public AccessKeys {
  public:
    explicit AccessKeysImpl(AccessKey root) : root_(std::move(root)) {}
    std::optional<AccessKey> find(std::string_view access_key_id) const override {
        if (access_key_id == root_.access_key_id) return root_;
        return std::nullopt;
    }
    AccessKey root() const override { return root_; }

  private:
    const AccessKey root_;
};

AccessKey root_key(StoredKey stored, const ArnFactory& arns) {
    AccessKey out;
    out.access_key_id = std::move(stored.id);
    out.secret_access_key = std::move(stored.secret);
    out.principal.kind = Principal::Kind::iam_user;
    out.principal.id = arns.account().str();  // the root user's id is the account's
    out.principal.arn = arns.root_user();
    return out;
}

}  // namespace

boost::asio::awaitable<Result<std::unique_ptr<AccessKeys>>> AccessKeys::open(store::kv::Engine& engine, RandomSource& random,
                                                                             ArnFactory arns) {
    const auto stored = std::make_shared<std::optional<StoredKey>>();
    StoredKey fresh{"AKIA" + random.text(id_random_characters, id_alphabet), random.text(secret_characters, secret_alphabet)};
    store::kv::TransactionBody body = [stored, fresh](Transaction& tx) -> Result<void> {
        const auto bytes = tx.get(keys::root_access_key());
        if (!bytes) return bytes.error();
        if (!*bytes) {
            tx.put(keys::root_access_key(), encode(fresh));
            *stored = fresh;
            return {};
        }
        auto decoded = decode(**bytes);
        if (!decoded) return decoded.error();
        *stored = std::move(*decoded);
        return {};
    };
    const Result<void> done = co_await engine.transact(std::move(body));
    if (!done) co_return store_error(done.error());
    co_return std::unique_ptr<AccessKeys>(std::make_unique<AccessKeysImpl>(root_key(std::move(**stored), arns)));
}

}  // namespace fogbank::registry
