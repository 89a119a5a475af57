/// Update requests: what a client sends, checked. Source: AWS IoT Core Developer Guide, "Device Shadow service documents" and "Device
/// Shadow error messages" (reference "shadow", sections 3, 8 and 10).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/quotas.h"
#include "shadow/value.h"

namespace fogbank::shadow {

/// The limits in force; rows of the quota table.
struct Limits {
    std::size_t request_bytes_max = 128 * 1024;  ///< of a request as sent
    std::size_t document_bytes_max = 8 * 1024;   ///< desired and reported after the merge, without white space and metadata
    std::size_t levels_max = 8;                  ///< arrays and objects below `desired` or `reported`
    std::size_t client_token_bytes_max = 64;
    std::size_t inflight_max = 10;  ///< unanswered requests of one connection for one thing

    static Limits of(const Quotas& quotas);
};

struct Update {
    Value state;  ///< null, or an object with at most `desired` and `reported`, each null or an object; not stamped
    std::optional<std::int64_t> version;
};

/// A request that may have been refused, with what the answer needs anyway.
struct ParsedUpdate {
    Result<Update> update;
    std::optional<std::string> client_token;  ///< if it was readable
};

/// Errors of `update`: invalid_request with AWS's texts, document_too_large, unsupported_encoding.
ParsedUpdate parse_update(std::string_view payload, const Limits& limits);

/// The client token of a get or delete request, whose payload may be anything: only a JSON object with a valid token has one.
std::optional<std::string> client_token_of(std::string_view payload, const Limits& limits);

}  // namespace fogbank::shadow
