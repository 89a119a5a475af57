/// Session tokens: everything about temporary credentials in one text that only this installation can make or read (AES-256-GCM under a
/// key that is kept in the store). So sessions need no storage and outlive a restart.
#pragma once

#include <string>
#include <string_view>

#include "registry/iam.h"

namespace fogbank::registry {

struct Session {
    SessionRequest request;
    std::string access_key_id, secret_access_key;
    WallTime issued_at{}, expires_at{};
};

inline constexpr std::size_t session_key_bytes = 32;

/// @param nonce  12 random bytes, never used twice with one key.
std::string seal_session(const Session& session, std::string_view key, std::string_view nonce);
/// Errors: unknown_access_key for what was not made with this key, or is damaged. Whether it has expired is not judged.
Result<Session> open_session(std::string_view token, std::string_view key);

}  // namespace fogbank::registry
