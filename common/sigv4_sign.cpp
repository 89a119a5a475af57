#include "common/sigv4_sign.h"

#include <array>
#include <ctime>

#include "common/encoding.h"

namespace fogbank {
namespace {

std::string authorization(const SigningRequest& request, const SigningKey& key, const SigningScope& scope, std::string_view date_time,
                          const std::string& payload_hash) {
    std::string canonical_headers;
    std::string names;
    for (const auto& [name, value] : request.headers) {
        canonical_headers.append(name).append(":").append(value).append("\n");
        names.append(names.empty() ? "" : ";").append(name);
    }
    // All services but S3 encode the path once more.
    const std::string path = request.path.empty() ? "/" : request.path;
    const std::string canonical = request.method + "\n" + (scope.service == "s3" ? path : percent_encode(path, true)) + "\n" +
                                  request.query + "\n" + canonical_headers + "\n" + names + "\n" + payload_hash;
    const std::string_view date = date_time.substr(0, 8);
    const std::string credential_scope = std::string(date) + "/" + scope.region + "/" + scope.service + "/aws4_request";
    const std::string to_sign =
        "AWS4-HMAC-SHA256\n" + std::string(date_time) + "\n" + credential_scope + "\n" + hex_encode(sha256(canonical));
    const std::string signing_key = sigv4_signing_key(key.secret_access_key, date, scope.region, scope.service);
    return "AWS4-HMAC-SHA256 Credential=" + key.access_key_id + "/" + credential_scope + ", SignedHeaders=" + names +
           ", Signature=" + hex_encode(hmac_sha256(signing_key, to_sign));
}

}  // namespace

std::string sigv4_date_time(WallTime time) {
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::array<char, 20> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc)};
}

std::string sigv4_signing_key(std::string_view secret_access_key, std::string_view date, std::string_view region,
                              std::string_view service) {
    const std::string of_date = hmac_sha256("AWS4" + std::string(secret_access_key), date);
    return hmac_sha256(hmac_sha256(hmac_sha256(of_date, region), service), "aws4_request");
}

std::string sigv4_authorization(const SigningRequest& request, const SigningKey& key, const SigningScope& scope,
                                std::string_view date_time) {
    return authorization(request, key, scope, date_time, hex_encode(sha256(request.body)));
}

void sign_sigv4(SigningRequest& request, const SigningKey& key, const SigningScope& scope, WallTime now) {
    const std::string date_time = sigv4_date_time(now);
    const std::string payload_hash = hex_encode(sha256(request.body));
    request.headers["x-amz-date"] = date_time;
    if (!key.session_token.empty()) request.headers["x-amz-security-token"] = key.session_token;
    if (scope.service == "s3") request.headers["x-amz-content-sha256"] = payload_hash;
    request.headers["authorization"] = authorization(request, key, scope, date_time, payload_hash);
}

}  // namespace fogbank
