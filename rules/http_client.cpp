#include "rules/http_client.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "rules/errc.h"

namespace fogbank::rules {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr std::uint32_t header_bytes_max = 16 * 1024;
constexpr std::size_t url_bytes_max = 8 * 1024;

Error failed(const std::string& what) {
    return {Errc::unavailable, what};
}

using BeastRequest = http::request<http::string_body>;

BeastRequest beast_request(const HttpRequest& request) {
    BeastRequest out;
    out.method_string(request.method);
    out.target(request.url.target());
    out.version(11);
    out.set(http::field::host, request.url.authority());
    out.set(http::field::connection, "close");
    for (const auto& [name, value] : request.headers) out.set(name, value);
    out.body() = request.body;
    out.prepare_payload();
    return out;
}

/// Writes the request and reads the answer on a connected stream.
template <class Stream>
asio::awaitable<Result<HttpAnswer>> exchange(Stream& stream, const HttpRequest& request) {
    BeastRequest message = beast_request(request);
    boost::system::error_code error;
    co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return failed("sending failed: " + error.message());
    boost::beast::flat_buffer buffer(header_bytes_max + request.answer_bytes_max);
    http::response_parser<http::string_body> parser;
    parser.header_limit(header_bytes_max);
    parser.body_limit(request.answer_bytes_max);
    parser.skip(request.method == "HEAD");
    co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error == http::error::body_limit)
        co_return failed("the answer is larger than " + std::to_string(request.answer_bytes_max) + " bytes");
    if (error) co_return failed("the answer cannot be read: " + error.message());
    HttpAnswer answer;
    answer.status = parser.get().result_int();
    answer.reason = std::string(parser.get().reason());
    answer.body = std::move(parser.get().body());
    co_return answer;
}

class Client final : public HttpClient {
  public:
    explicit Client(asio::ssl::context tls) : tls_(std::move(tls)) {}

    asio::awaitable<Result<HttpAnswer>> send(HttpRequest request) override {
        std::string thrown;
        try {
            using namespace asio::experimental::awaitable_operators;
            auto sending = connect_and_exchange(request);
            auto waiting = give_up(request.timeout);
            auto either = co_await (std::move(sending) || std::move(waiting));
            if (either.index() == 0) co_return std::move(std::get<0>(either));
            co_return std::move(std::get<1>(either));
        } catch (const std::exception& e) {
            thrown = e.what();
        }
        co_return failed(thrown);
    }

  private:
    static asio::awaitable<Result<HttpAnswer>> give_up(std::chrono::milliseconds timeout) {
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer timer(executor, timeout);
        co_await timer.async_wait(asio::use_awaitable);
        co_return failed("no answer within " + std::to_string(timeout.count()) + " ms");
    }

    asio::awaitable<Result<HttpAnswer>> connect_and_exchange(const HttpRequest& request) {
        const auto executor = co_await asio::this_coro::executor;
        boost::system::error_code error;
        tcp::resolver resolver(executor);
        const auto addresses =
            co_await resolver.async_resolve(request.url.host, request.url.port, asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return failed("`" + request.url.host + "` cannot be resolved: " + error.message());
        tcp::socket socket(executor);
        for (const auto& address : addresses) {
            error = {};
            socket = tcp::socket(executor);
            co_await socket.async_connect(address.endpoint(), asio::redirect_error(asio::use_awaitable, error));
            if (!error) break;
        }
        if (error || !socket.is_open()) co_return failed("`" + request.url.authority() + "` cannot be reached: " + error.message());
        socket.set_option(tcp::no_delay(true), error);
        if (!request.url.tls) {
            auto answer = co_await exchange(socket, request);
            co_return answer;
        }
        auto answer = co_await over_tls(std::move(socket), request);
        co_return answer;
    }

    asio::awaitable<Result<HttpAnswer>> over_tls(tcp::socket socket, const HttpRequest& request) {
        asio::ssl::stream<tcp::socket> stream(std::move(socket), tls_);
        SSL_set_tlsext_host_name(stream.native_handle(), request.url.host.c_str());
        stream.set_verify_mode(asio::ssl::verify_peer);
        asio::ssl::host_name_verification verification(request.url.host);
        stream.set_verify_callback(verification);
        boost::system::error_code error;
        co_await stream.async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return failed("TLS handshake with `" + request.url.authority() + "` failed: " + error.message());
        auto answer = co_await exchange(stream, request);
        co_return answer;
    }

    asio::ssl::context tls_;
};

bool is_url_byte(char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' &&
           c != '^' && c != '`' && c != '{' && c != '|' && c != '}' && c != '#';
}

}  // namespace

std::string Url::authority() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == (tls ? "443" : "80") ? name : name + ":" + port;
}

std::optional<Url> parse_url(std::string_view text) {
    Url url;
    if (text.size() > url_bytes_max || !std::all_of(text.begin(), text.end(), is_url_byte)) return std::nullopt;
    url.tls = text.starts_with("https://");
    if (!url.tls && !text.starts_with("http://")) return std::nullopt;
    text.remove_prefix(url.tls ? 8 : 7);
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    std::string_view authority = text.substr(0, end);
    std::string_view rest = text.substr(end);
    if (authority.find('@') != std::string_view::npos) return std::nullopt;
    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
    if (authority.starts_with('[') && bracket == std::string_view::npos) return std::nullopt;
    const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
    url.port = colon == std::string_view::npos ? (url.tls ? "443" : "80") : std::string(authority.substr(colon + 1));
    url.host = bracket == std::string_view::npos ? std::string(authority.substr(0, colon)) : std::string(authority.substr(1, bracket - 1));
    const bool digits = std::all_of(url.port.begin(), url.port.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (url.host.empty() || url.port.empty() || url.port.size() > 5 || !digits || std::stoi(url.port) > 65535) return std::nullopt;
    const std::size_t question = rest.find('?');
    url.path = std::string(rest.substr(0, question));
    if (url.path.empty()) url.path = "/";
    if (question != std::string_view::npos) url.query = std::string(rest.substr(question + 1));
    return url;
}

Result<std::unique_ptr<HttpClient>> make_http_client(const std::filesystem::path& ca_file) {
    asio::ssl::context tls(asio::ssl::context::tls_client);
    boost::system::error_code error;
    tls.set_default_verify_paths(error);
    if (!ca_file.empty()) {
        tls.load_verify_file(ca_file.string(), error);
        if (error) return Error(Errc::invalid_request, "the certificates in `" + ca_file.string() + "` cannot be read: " + error.message());
    }
    std::unique_ptr<HttpClient> client = std::make_unique<Client>(std::move(tls));
    return client;
}

}  // namespace fogbank::rules
