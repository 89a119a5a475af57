// What goes to an authorizer's function and what comes back; the token's signature.

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "common/json.h"
#include "policy/document.h"
#include "registry/custom_authorizers.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;

constexpr std::size_t answer_bytes_max = 256 * 1024, answer_depth_max = 16;
constexpr std::size_t policies_max = 10, policy_characters_max = 2048, principal_characters_max = 128;
constexpr std::int64_t period_s_min = 300, period_s_max = 86'400;

struct Free {
    void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

std::unique_ptr<EVP_PKEY, Free> read_public_key(std::string_view pem) {
    const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return std::unique_ptr<EVP_PKEY, Free>(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
}

Error invalid(std::string what) {
    return Error(Errc::invalid_response, "The authorizer's function answered " + what);
}

Result<std::vector<std::string>> read_policies(const json& body) {
    std::vector<std::string> out;
    const auto found = body.find("policyDocuments");
    if (found == body.end() || found->is_null()) return out;
    if (!found->is_array() || found->size() > policies_max) return invalid("policyDocuments that are not a list of at most 10");
    for (const json& one : *found) {
        // Documents come as text or as JSON.
        if (!one.is_string() && !one.is_object()) return invalid("a policy document that is neither text nor an object");
        std::string text = one.is_string() ? one.get<std::string>() : one.dump();
        if (auto parsed = policy::Policy::parse("policy document", text, policy_characters_max); !parsed)
            return invalid("a policy document that is not valid: " + parsed.error().message);
        out.push_back(std::move(text));
    }
    return out;
}

Result<std::optional<std::int64_t>> read_period(const json& body, const char* member) {
    const auto found = body.find(member);
    if (found == body.end() || found->is_null()) return std::optional<std::int64_t>();
    if (!found->is_number_integer()) return invalid(std::string(member) + " that is no number");
    const auto value = found->get<std::int64_t>();
    if (value < period_s_min || value > period_s_max) return invalid(std::string(member) + " outside 300 to 86400");
    return std::optional<std::int64_t>(value);
}

}  // namespace

Result<AuthorizerAnswer> read_authorizer_answer(std::string_view payload) {
    const auto body = parse_json(payload, {answer_bytes_max, answer_depth_max});
    if (!body || !body->is_object()) return invalid("what is not a JSON object");
    const auto authenticated = body->find("isAuthenticated");
    if (authenticated == body->end() || !authenticated->is_boolean()) return invalid("no isAuthenticated");
    AuthorizerAnswer out;
    out.is_authenticated = authenticated->get<bool>();
    out.principal_id = json_string(*body, "principalId");
    if (!out.is_authenticated) return out;
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    if (out.principal_id.empty() || out.principal_id.size() > principal_characters_max ||
        !std::all_of(out.principal_id.begin(), out.principal_id.end(), fits))
        return invalid("a principalId that is not of 1 to 128 letters and digits");
    auto policies = read_policies(*body);
    if (!policies) return policies.error();
    auto refresh = read_period(*body, "refreshAfterInSeconds");
    if (!refresh) return refresh.error();
    auto disconnect = read_period(*body, "disconnectAfterInSeconds");
    if (!disconnect) return disconnect.error();
    out.policy_documents = std::move(*policies);
    out.refresh_after_s = *refresh;
    out.disconnect_after_s = *disconnect;
    return out;
}

bool is_token_signing_key(std::string_view pem) {
    const auto key = read_public_key(pem);
    return key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA;
}

bool token_signature_fits(const CustomAuthorizer& authorizer, std::string_view token, std::string_view signature) {
    const auto bytes = base64_decode(signature);
    if (!bytes || bytes->empty()) return false;
    for (const auto& [name, pem] : authorizer.signing_keys) {
        const auto key = read_public_key(pem);
        if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) continue;
        const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
        if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1) continue;
        if (EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(bytes->data()), bytes->size(),
                             reinterpret_cast<const unsigned char*>(token.data()), token.size()) == 1)
            return true;
    }
    return false;
}

std::string authorizer_event(const CustomCredentials& credentials, bool signature_verified, std::string_view connection_id) {
    json protocols = json::array({"tls"}), data = json::object();
    data["tls"] = {{"serverName", credentials.server_name}};
    if (!credentials.headers.empty() || !credentials.query_string.empty() || !credentials.over_mqtt) {
        json headers = json::object();
        for (const auto& [name, value] : credentials.headers) headers[name] = value;
        data["http"] = {{"headers", std::move(headers)}, {"queryString", credentials.query_string}};
        protocols.push_back("http");
    }
    if (credentials.over_mqtt) {
        data["mqtt"] = {
            {"username", credentials.user_name}, {"password", base64_encode(credentials.password)}, {"clientId", credentials.client_id}};
        protocols.push_back("mqtt");
    }
    json event{{"signatureVerified", signature_verified},
               {"protocols", std::move(protocols)},
               {"protocolData", std::move(data)},
               {"connectionMetadata", {{"id", std::string(connection_id)}}}};
    if (!credentials.token.empty()) event["token"] = credentials.token;
    return event.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace fogbank::registry
