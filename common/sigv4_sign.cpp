#include "common/sigv4_sign.h"

#include <array>
#include <ctime>

#include "common/encoding.h"

namespace fogbank {
namespace {

std::string amz_date(WallTime time) {
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::array<char, 20> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
    return {text.data(), size};
}

}  // namespace

void sign_sigv4(SigningRequest& request, const SigningKey& key, const SigningScope& scope, WallTime now) {
    const std::string date_time = amz_date(now);
    const std::string payload_hash = hex_encode(sha256(request.body));
    request.headers["x-amz-date"] = date_time;
    if (!key.session_token.empty()) request.headers["x-amz-security-token"] = key.session_token;
    const bool s3 = scope.service == "s3";
    if (s3) request.headers["x-amz-content-sha256"] = payload_hash;
    std::string canonical_headers;
    std::string names;
    for (const auto& [name, value] : request.headers) {
        canonical_headers.append(name).append(":").append(value).append("\n");
        names.append(names.empty() ? "" : ";").append(name);
    }
    // All services but S3 encode the path once more.
    const std::string path = request.path.empty() ? "/" : request.path;
    const std::string canonical = request.method + "\n" + (s3 ? path : percent_encode(path, true)) + "\n" + request.query + "\n" +
                                  canonical_headers + "\n" + names + "\n" + payload_hash;
    const std::string date = date_time.substr(0, 8);
    const std::string credential_scope = date + "/" + scope.region + "/" + scope.service + "/aws4_request";
    const std::string to_sign = "AWS4-HMAC-SHA256\n" + date_time + "\n" + credential_scope + "\n" + hex_encode(sha256(canonical));
    std::string derived = hmac_sha256("AWS4" + key.secret_access_key, date);
    derived = hmac_sha256(hmac_sha256(hmac_sha256(derived, scope.region), scope.service), "aws4_request");
    request.headers["authorization"] = "AWS4-HMAC-SHA256 Credential=" + key.access_key_id + "/" + credential_scope +
                                       ", SignedHeaders=" + names + ", Signature=" + hex_encode(hmac_sha256(derived, to_sign));
}

}  // namespace fogbank
