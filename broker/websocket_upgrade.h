/// The HTTP request that asks for a WebSocket, and its answers. No I/O. Source: RFC 6455 section 4.2; reference "broker", section 4.
#pragma once

#include <string>
#include <string_view>

#include "common/door_authentication.h"
#include "common/result.h"

namespace fogbank::broker {

/// Where a client names its custom authorizer, and signs its token: headers or query parameters.
inline constexpr std::string_view authorizer_name_key = "x-amz-customauthorizer-name";
inline constexpr std::string_view authorizer_signature_key = "x-amz-customauthorizer-signature";

/// Size of the head at the front of `bytes`, with the empty line; 0 while it is incomplete.
std::size_t http_head_bytes(std::string_view bytes);

/// Request line and headers. Errors: CommonErrc::malformed.
Result<UpgradeRequest> parse_http_head(std::string_view head);

/// Whether the request wants a WebSocket at all (Upgrade names it); otherwise it is some other service's.
bool wants_websocket(const UpgradeRequest& request);

/// The value of the first header of that lower-case name; empty if there is none.
std::string_view header_value(const UpgradeRequest& request, std::string_view name);
/// The decoded value of a query parameter; empty if there is none.
std::string query_value(const UpgradeRequest& request, std::string_view name);

/// An HTTP answer that refuses.
struct HttpRefusal {
    unsigned status = 400;
    std::string reason;  ///< a sentence, for the body and the log
};
/// What an upgrade to MQTT is accepted with.
struct UpgradeTerms {
    std::string accept_key, subprotocol;
};
/// Judges all but who is asking: path, version, key, subprotocol. Exactly one of the two results is meant; `refusal.status` 0: accepted.
struct UpgradeVerdict {
    HttpRefusal refusal;
    UpgradeTerms terms;
};
UpgradeVerdict judge_upgrade(const UpgradeRequest& request);

std::string upgrade_answer(const UpgradeTerms& terms);
/// Closes the connection; in the shape of the data plane's errors, with the reason in `message`.
std::string refusal_answer(const HttpRefusal& refusal, std::string_view request_id);

}  // namespace fogbank::broker
