#include "app/aws_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <ctime>

#include "common/common_errc.h"
#include "common/encoding.h"

namespace fogbank::app {
namespace {

namespace http = boost::beast::http;

std::string amz_date_of(WallTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char text[17];
    std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
    return text;
}

}  // namespace

std::string sign_request(const ClientOptions& options, std::string_view service, std::string_view method, std::string_view path,
                         std::string_view query, const std::map<std::string, std::string>& headers, std::string_view body,
                         std::string_view amz_date) {
    std::string canonical_headers;
    std::string signed_headers;
    for (const auto& [name, value] : headers) {
        canonical_headers += name + ":" + value + "\n";
        signed_headers += (signed_headers.empty() ? "" : ";") + name;
    }
    const std::string canonical = std::string(method) + "\n" + percent_encode(path, true) + "\n" + std::string(query) + "\n" +
                                  canonical_headers + "\n" + signed_headers + "\n" + hex_encode(sha256(body));
    const std::string date(amz_date.substr(0, 8));
    const std::string scope = date + "/" + options.region + "/" + std::string(service) + "/aws4_request";
    const std::string to_sign = "AWS4-HMAC-SHA256\n" + std::string(amz_date) + "\n" + scope + "\n" + hex_encode(sha256(canonical));
    std::string key = hmac_sha256("AWS4" + options.secret_access_key, date);
    key = hmac_sha256(hmac_sha256(hmac_sha256(key, options.region), service), "aws4_request");
    return "AWS4-HMAC-SHA256 Credential=" + options.access_key_id + "/" + scope + ", SignedHeaders=" + signed_headers +
           ", Signature=" + hex_encode(hmac_sha256(key, to_sign));
}

Result<ClientResponse> AwsClient::call(std::string_view service, std::string_view method, std::string_view path, std::string_view query,
                                       std::string_view body, std::map<std::string, std::string> headers) {
    const std::string amz_date = amz_date_of(clock_.now());
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
