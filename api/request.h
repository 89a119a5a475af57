/// HTTP requests and responses as the services see them: no Beast, no sockets, so that everything above the connection is tested without
/// either.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fogbank {
class Permissions;
}

namespace fogbank::api {

/// What handlers remember of the client at the other end, for the requests that follow on its connection. One request at a time uses it.
struct Peer {
    std::string principal_id;
    std::shared_ptr<Permissions> permissions;  ///< of that principal, kept up to date by the registry
};

struct Header {
    std::string name;  ///< lower case in requests
    std::string value;
    Header(std::string header_name, std::string header_value) : name(std::move(header_name)), value(std::move(header_value)) {}
};

/// One request as it came over the wire. Nothing is decoded yet: SigV4 signs the bytes as sent.
class Request {
  public:
    Request() = default;

    std::string method;
    std::string path;   ///< target up to the `?`, not decoded
    std::string query;  ///< target after the `?`, not decoded
    std::vector<Header> headers;
    std::string body;
    std::string remote_ip;
    std::string server_name;             ///< SNI, empty over plain TCP
    bool secure = false;                 ///< came over TLS
    std::uint16_t local_port = 0;        ///< the port that the listener is bound to
    std::string client_certificate_der;  ///< empty: none was presented
    std::shared_ptr<Peer> peer;          ///< may be null

    /// The first header of that lower-case name.
    std::optional<std::string_view> header(std::string_view name) const;
};

/// A body without a known end, made piece by piece on the connection's shard.
class ResponseStream {
  public:
    virtual ~ResponseStream() = default;
    /// The next bytes. Comes back at least once a second, with nothing if there is nothing yet: so a stop is noticed.
    virtual boost::asio::awaitable<std::string> next() = 0;
};

class Response {
  public:
    Response() = default;
    explicit Response(unsigned http_status) : status(http_status) {}

    unsigned status = 200;
    std::string content_type;  ///< empty: no header
    std::vector<Header> headers;
    std::string body;
    std::shared_ptr<ResponseStream> stream;  ///< instead of `body`: written until the peer leaves, then the connection closes
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

/// Splits at `&` and decodes names and values once; `k` without `=` has an empty value. Nothing if a `%` is malformed.
std::optional<QueryParameters> parse_query(std::string_view query);
/// The same for an application/x-www-form-urlencoded body, where `+` is a space.
std::optional<QueryParameters> parse_form(std::string_view body);

}  // namespace fogbank::api
