/// Signs requests for tests with the verifier's own pieces; those are checked against botocore's vectors in sigv4_test.cpp.
#pragma once

#include <string>
#include <utility>

#include "api/sigv4.h"
#include "tests/api/fakes.h"

namespace fogbank::api::testing {

inline constexpr const char* fake_now = "20260102T030405Z";  ///< where ManualClock stands

/// A header set becomes `SignedHeaders`: every header that the request has, plus x-amz-date.
inline void sign(Request& request, const std::string& service, const std::string& timestamp = fake_now,
                 const std::string& key_id = access_key_id, const std::string& secret = secret_access_key) {
    request.headers.emplace_back("x-amz-date", timestamp);
    sigv4::Claim claim;
    claim.access_key_id = key_id;
    claim.timestamp = timestamp;
    claim.date = timestamp.substr(0, 8);
    claim.region = "us-east-1";
    claim.service = service;
    std::string names;
    for (const Header& header : request.headers) {
        claim.signed_headers.push_back(header.name);
        names += (names.empty() ? "" : ";") + header.name;
    }
    const sigv4::CanonicalOptions options{std::string(request.header("host").value_or("")), false, {}};
    const std::string signature = sigv4::signature(claim, sigv4::canonical_request(request, claim, options), secret);
    request.headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + key_id + "/" + claim.date + "/us-east-1/" + service +
                                                      "/aws4_request, SignedHeaders=" + names + ", Signature=" + signature);
}

inline Request make_request(std::string method, const std::string& target, std::string body = {}) {
    Request request;
    request.method = std::move(method);
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    request.body = std::move(body);
    request.headers.emplace_back("host", "localhost:4566");
    request.local_port = 4566;
    return request;
}

}  // namespace fogbank::api::testing
