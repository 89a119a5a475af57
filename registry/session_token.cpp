#include "registry/detail/session_token.h"

#include <openssl/evp.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "common/encoding.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;

constexpr std::string_view token_prefix = "FwoG";  // tells a token of this form from any other before anything is decrypted
constexpr std::size_t nonce_bytes = 12, tag_bytes = 16;
/// STS: session tokens are usually under 4,096 bytes, with no upper bound promised. A session policy has at most 2,048 characters.
constexpr std::size_t token_bytes_max = 16 * 1024;

struct ContextDeleter {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

std::string encrypt(std::string_view plain, std::string_view key, std::string_view nonce) {
    const Cipher cipher(EVP_CIPHER_CTX_new());
    std::string out(plain.size(), '\0');
    std::string tag(tag_bytes, '\0');
    int written = 0, last = 0;
    EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce));
    EVP_EncryptUpdate(cipher.get(), bytes(out), &written, bytes(plain), static_cast<int>(plain.size()));
    EVP_EncryptFinal_ex(cipher.get(), bytes(out) + written, &last);
    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_bytes), tag.data());
    return out + tag;
}

std::optional<std::string> decrypt(std::string_view sealed, std::string_view key, std::string_view nonce) {
    if (sealed.size() < tag_bytes) return std::nullopt;
    const std::string_view body = sealed.substr(0, sealed.size() - tag_bytes);
    std::string tag(sealed.substr(body.size()));
    const Cipher cipher(EVP_CIPHER_CTX_new());
    std::string out(body.size(), '\0');
    int written = 0, last = 0;
    if (EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(nonce)) != 1) return std::nullopt;
    if (EVP_DecryptUpdate(cipher.get(), bytes(out), &written, bytes(body), static_cast<int>(body.size())) != 1) return std::nullopt;
    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_bytes), tag.data());
    if (EVP_DecryptFinal_ex(cipher.get(), bytes(out) + written, &last) != 1) return std::nullopt;
    return out;
}

Error not_ours() {
    return Error(Errc::unknown_access_key, "The security token included in the request is invalid.");
}

}  // namespace

std::string seal_session(const Session& session, std::string_view key, std::string_view nonce) {
    const SessionRequest& request = session.request;
    json body{{"v", 1},
              {"k", session.access_key_id},
              {"s", session.secret_access_key},
              {"i", session.issued_at.time_since_epoch().count()},
              {"e", session.expires_at.time_since_epoch().count()},
              {"r", request.role_name},
              {"a", request.role_arn},
              {"u", request.user_name},
              {"n", request.session_name},
              {"m", request.unmanaged}};
    if (!request.session_policy.empty()) body["p"] = request.session_policy;
    if (!request.condition_keys.empty()) body["c"] = request.condition_keys;
    const std::string plain = body.dump(-1, ' ', false, json::error_handler_t::replace);
    return std::string(token_prefix) + base64_encode(std::string(nonce) + encrypt(plain, key, nonce));
}

Result<Session> open_session(std::string_view token, std::string_view key) {
    if (token.size() > token_bytes_max || !token.starts_with(token_prefix)) return not_ours();
    const auto sealed = base64_decode(token.substr(token_prefix.size()));
    if (!sealed || sealed->size() < nonce_bytes + tag_bytes) return not_ours();
    const std::string_view all(*sealed);
    const auto plain = decrypt(all.substr(nonce_bytes), key, all.substr(0, nonce_bytes));
    if (!plain) return not_ours();
    const json body = json::parse(*plain, nullptr, false);
    try {
        if (body.is_discarded() || body.at("v").get<int>() != 1) return not_ours();
        Session out;
        out.access_key_id = body.at("k").get<std::string>();
        out.secret_access_key = body.at("s").get<std::string>();
        out.issued_at = WallTime(std::chrono::milliseconds(body.at("i").get<std::int64_t>()));
        out.expires_at = WallTime(std::chrono::milliseconds(body.at("e").get<std::int64_t>()));
        SessionRequest& request = out.request;
        request.role_name = body.at("r").get<std::string>();
        request.role_arn = body.at("a").get<std::string>();
        request.user_name = body.at("u").get<std::string>();
        request.session_name = body.at("n").get<std::string>();
        request.unmanaged = body.at("m").get<bool>();
        if (body.contains("p")) request.session_policy = body.at("p").get<std::string>();
        if (body.contains("c")) request.condition_keys = body.at("c").get<std::vector<std::pair<std::string, std::string>>>();
        return out;
    } catch (const json::exception&) {
        return not_ours();  // of a version that this one does not know
    }
}

}  // namespace fogbank::registry
