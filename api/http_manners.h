/// What HTTP clients of AWS's JSON services expect around the answers: the health check that balancers ask, CORS for browsers, compressed
/// bodies, DynamoDB's checksum.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/request.h"
#include "common/result.h"

namespace fogbank::api {

/// Answers that need no credentials: `GET /` (`healthy: dynamodb.<region>.amazonaws.com`) and preflights (OPTIONS with an Origin). Nothing:
/// it is a request like others.
std::optional<Response> answer_without_credentials(const Request& request, std::string_view region);

/// Undoes Content-Encoding gzip; the signature covers the bytes as sent, so call it after the verification.
/// @param bytes_max  of the body when undone. Errors: Errc::malformed_body, body_too_large.
Result<void> decode_body(Request& request, std::size_t bytes_max);

/// What the answer depends on, taken from the request before it is handed on.
struct ClientWishes {
    bool accepts_gzip = false, is_from_browser = false;
};
ClientWishes wishes_of(const Request& request);

/// Compresses large JSON answers for clients that take it, adds `x-amz-crc32` (of the bytes as sent) to the json protocols' and CORS
/// headers to browsers' answers.
void dress(const ClientWishes& wishes, Response& response);

}  // namespace fogbank::api
