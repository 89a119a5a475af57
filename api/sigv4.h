/// AWS Signature Version 4: judges the Authorization header or the signed query of a request. Pure functions.
///
/// Source: IAM User Guide, "AWS Signature Version 4 for API requests" (reference "auth", sections 2 and 3; what clients really send:
/// reference "clients", section 3).
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/errc.h"
#include "api/request.h"
#include "common/authenticator.h"
#include "common/clock.h"
#include "common/result.h"
#include "registry/access_keys.h"

namespace fogbank::api::sigv4 {

/// How far the client's clock may be off. AWS says "several minutes"; SigV4's own error text speaks of 15.
inline constexpr std::chrono::minutes skew_max{15};
/// The longest life of a presigned URL (IAM User Guide): seven days.
inline constexpr std::chrono::seconds expires_max{604'800};

/// What the client says about itself; nothing here has been verified.
struct Claim {
    bool presigned = false;
    std::string access_key_id;
    std::string date;    ///< of the scope, `yyyymmdd`
    std::string region;  ///< of the scope
    std::string service;
    std::vector<std::string> signed_headers;  ///< lower case, in the order sent
    std::string signature;                    ///< 64 hex digits
    std::string timestamp;                    ///< `yyyymmddThhmmssZ`
    std::chrono::seconds expires{0};          ///< presigned only; 0: not given
};

/// Reads the claim without judging it. Errors: missing_authentication_token, incomplete_signature.
Result<Claim> parse_claim(const Request& request);

/// Remembers the keys that secrets derive for a day, region and service: four of the five HMACs of a signature. Any thread. Bounded; it
/// holds nothing that the key store does not hold in memory too.
class SigningKeys {
  public:
    /// The key for the claim's scope, whatever it was derived from before.
    std::string derive(const Claim& claim, std::string_view secret_access_key);

  private:
    struct Kept {
        std::string secret, key;
    };
    std::mutex mutex_;
    std::unordered_map<std::string, Kept> kept_;  ///< by access key and scope
};

/// A caller whose signature was right.
struct Caller {
    Principal principal;
    std::string access_key_id, region, service;
    std::shared_ptr<const registry::CallerGrants> grants = {};  ///< null: may do everything
    bool temporary = false;                                     ///< signed with session credentials
};

/// Judges `request` (head and body) against the keys that `keys` knows; a request with a security token against what the token stands for.
/// The body's hash is always computed here; a signed
/// `x-amz-content-sha256` that differs makes the signature wrong. The Host is taken as received, without its port and with the listener's
/// port, since clients sign any of the three. Errors: those of parse_claim, unrecognized_client, signature_expired, invalid_signature, and
/// registry::Errc::session_expired; messages are AWS's.
/// @param kept  signing keys of earlier requests; null: derived anew.
Result<Caller> verify(const Request& request, const registry::AccessKeys& keys, WallTime now, SigningKeys* kept = nullptr);

/// Everything but the body: good enough to decide whether reading a large body is worth it.
Result<Claim> precheck(const Request& head, const registry::AccessKeys& keys, WallTime now);

struct CanonicalOptions {
    std::string host;                  ///< the Host to sign with
    bool omit_security_token = false;  ///< presigned WebSocket URLs of IoT: the token was added after signing
    std::string body_sha256 = {};      ///< hex; empty: hash the body here
};
/// For tests and diagnosis: the canonical request text.
std::string canonical_request(const Request& request, const Claim& claim, const CanonicalOptions& options);
/// For tests and clients: the signature of a canonical request.
std::string signature(const Claim& claim, std::string_view canonical_request_text, std::string_view secret_access_key);

}  // namespace fogbank::api::sigv4
