/// Who signs API calls (SigV4): long-term access keys and temporary credentials, each with what its holder may do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/access.h"
#include "common/authenticator.h"
#include "common/clock.h"
#include "common/result.h"

namespace fogbank::registry {

/// What is known of one API request besides action and resource; feeds the condition keys that every request has.
struct CallerFacts {
    std::string source_ip, user_agent;
    bool secure_transport = false;
    std::string region;  ///< of the credential scope
    WallTime now{};
};

/// What one caller may do, before a request is known. Immutable, thread-safe, cheap to share.
class CallerGrants {
  public:
    virtual ~CallerGrants() = default;
    virtual std::unique_ptr<CallerAccess> for_request(CallerFacts facts) const = 0;
};

struct AccessKey {
    std::string access_key_id;      ///< `AKIA` (long-term) or `ASIA` (temporary) and 16 of A–Z 2–7
    std::string secret_access_key;  ///< 40 characters
    Principal principal;
    std::shared_ptr<const CallerGrants> grants = {};  ///< null: the account's root user, who may do everything
};

/// Thread-safe; look-ups are from memory.
class AccessKeys {
  public:
    virtual ~AccessKeys() = default;
    /// A long-term key that is active.
    virtual std::optional<AccessKey> find(std::string_view access_key_id) const = 0;
    /// The credentials that `session_token` stands for. Errors: unknown_access_key for a token that is not ours or not of this key,
    /// session_expired.
    virtual Result<AccessKey> find_session(std::string_view access_key_id, std::string_view session_token) const = 0;
    virtual AccessKey root() const = 0;
};

}  // namespace fogbank::registry
