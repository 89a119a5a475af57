/// Outbound HTTP and HTTPS for rule actions and their destinations: one request, one bounded answer, a deadline over all of it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace fogbank::rules {

struct Url {
    bool tls = false;
    std::string host;   ///< without brackets
    std::string port;   ///< `443`, `80` or what was written
    std::string path;   ///< with a leading slash, not decoded
    std::string query;  ///< without the question mark

    /// `host` as a Host header has it: with the port unless it is the scheme's own.
    std::string authority() const;
    std::string target() const { return query.empty() ? path : path + "?" + query; }
};
/// `http://` and `https://` only; nothing for user names, fragments, white space or control bytes.
std::optional<Url> parse_url(std::string_view text);

struct HttpRequest {
    HttpRequest() = default;
    Url url;
    std::string method = "POST";
    std::map<std::string, std::string> headers;  ///< lower-case names; host and content-length are added
    std::string body;
    std::chrono::milliseconds timeout{5000};  ///< for everything: name, connection, handshake, request, answer
    std::size_t answer_bytes_max = 1024 * 1024;
};

struct HttpAnswer {
    unsigned status = 0;
    std::string reason, body;
    bool closed = false;  ///< the peer closes the connection after this
};

/// Thread-safe. Every request has a connection of its own: targets are few, and a stale connection would turn into a lost message.
class HttpClient {
  public:
    virtual ~HttpClient() = default;
    /// Resumes on the caller's executor. Errors: unavailable when the target cannot be reached, does not speak HTTP, answers more than
    /// `answer_bytes_max` (message `the answer is larger than …`), or not in time. Never throws.
    virtual boost::asio::awaitable<Result<HttpAnswer>> send(HttpRequest request) = 0;
};

/// @param ca_file  certificates to trust besides the system's; empty: none.
/// Errors: invalid_request when the file cannot be read.
Result<std::unique_ptr<HttpClient>> make_http_client(const std::filesystem::path& ca_file);

}  // namespace fogbank::rules
