/// A small client for this server's own AWS APIs, for the command line: signs with SigV4, speaks plain HTTP on loopback.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/clock.h"
#include "common/result.h"

namespace fogbank::app {

struct ClientOptions {
    std::string host;
    std::uint16_t port = 0;
    std::string region, access_key_id, secret_access_key;
};

struct ClientResponse {
    int status = 0;
    std::string body;
};

/// Signs one request as SDKs do: service `iot`, headers host, x-amz-date and the given ones.
/// @return the value of the Authorization header. Pure; `amz_date` is `yyyymmddThhmmssZ`.
std::string sign_request(const ClientOptions& options, std::string_view service, std::string_view method, std::string_view path,
                         std::string_view query, const std::map<std::string, std::string>& headers, std::string_view body,
                         std::string_view amz_date);

class AwsClient {
  public:
    AwsClient(ClientOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}
    /// One request on a connection of its own; blocks, at most 10 s. `path` is already percent-encoded once.
    /// Errors: CommonErrc::io_error when the server cannot be reached.
    Result<ClientResponse> call(std::string_view service, std::string_view method, std::string_view path, std::string_view query,
                                std::string_view body, std::map<std::string, std::string> headers = {});

  private:
    ClientOptions options_;
    const Clock& clock_;
};

}  // namespace fogbank::app
