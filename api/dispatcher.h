/// From a request to its answer: who is asking (SigV4 or a certificate), which service, which operation, and the errors in that service's
/// words.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string_view>

#include "api/request.h"
#include "api/service.h"

namespace fogbank::api {

/// What a connection hands its requests to. Thread-safe: connections of all shards share one.
class RequestHandler {
  public:
    virtual ~RequestHandler() = default;

    /// How many bytes of body `head` may bring. Judged before a byte of it is read.
    virtual std::size_t body_bytes_max(const Request& head) = 0;
    /// The answer to a head whose body is larger than that; the connection closes after it.
    virtual Response refuse_body(const Request& head) = 0;
    /// The answer to bytes that are no request, or to a head that is too large or too slow.
    virtual Response refuse_connection(unsigned status, std::string_view reason) = 0;
    /// Answers a whole request. Never throws; runs on the connection's shard.
    virtual boost::asio::awaitable<Response> handle(Request request) = 0;
};

/// The API port: all services, SigV4, and /_fogbank.
std::shared_ptr<RequestHandler> make_api_dispatcher(Services services);
/// The port for client certificates: the data plane only, judged by IoT policies.
std::shared_ptr<RequestHandler> make_certificate_dispatcher(Services services);
/// The port that AWS has on 443: who has shown a certificate as above, others as on the API port. No /_fogbank.
std::shared_ptr<RequestHandler> make_door_dispatcher(Services services);

}  // namespace fogbank::api
