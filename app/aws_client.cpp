#include "app/aws_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>

#include "common/common_errc.h"
#include "common/sigv4_sign.h"

namespace fogbank::app {
namespace {

namespace http = boost::beast::http;

}  // namespace

std::string sign_request(const ClientOptions& options, std::string_view service, std::string_view method, std::string_view path,
                         std::string_view query, const std::map<std::string, std::string>& headers, std::string_view body,
                         std::string_view amz_date) {
    const SigningRequest request{std::string(method), std::string(path), std::string(query), headers, body};
    const SigningKey key{options.access_key_id, options.secret_access_key, {}};
    return sigv4_authorization(request, key, {options.region, std::string(service)}, amz_date);
}

Result<ClientResponse> AwsClient::call(std::string_view service, std::string_view method, std::string_view path, std::string_view query,
                                       std::string_view body, std::map<std::string, std::string> headers) {
    const std::string amz_date = sigv4_date_time(clock_.now());
    headers["host"] = options_.host + ":" + std::to_string(options_.port);
    headers["x-amz-date"] = amz_date;
    const std::string authorization = sign_request(options_, service, method, path, query, headers, body, amz_date);
    try {
        boost::asio::io_context io(1);
        boost::beast::tcp_stream stream(io);
        boost::asio::ip::tcp::resolver resolver(io);
        stream.connect(resolver.resolve(options_.host, std::to_string(options_.port)));
        const timeval patience{10, 0};
        ::setsockopt(stream.socket().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);

        http::request<http::string_body> request;
        request.method_string(std::string(method));
        request.target(std::string(path) + (query.empty() ? "" : "?" + std::string(query)));
        request.version(11);
        for (const auto& [name, value] : headers) request.set(name, value);
        request.set("authorization", authorization);
        request.body() = std::string(body);
        request.prepare_payload();
        http::write(stream, request);

        boost::beast::flat_buffer buffer;
        http::response<http::string_body> response;
        http::read(stream, buffer, response);
        return ClientResponse{static_cast<int>(response.result_int()), response.body()};
    } catch (const boost::system::system_error& e) {
        return Error(CommonErrc::io_error, options_.host + ":" + std::to_string(options_.port) + ": " + e.code().message());
    }
}

}  // namespace fogbank::app
