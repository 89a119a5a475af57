#include "api/http_connection.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <ctime>
#include <optional>

#include "common/logging.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using Parser = http::request_parser<http::string_body>;
using TlsStream = asio::ssl::stream<beast::tcp_stream&>;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr unsigned char tls_handshake_record = 0x16;  // RFC 8446, section 5.1
constexpr std::size_t read_chunk_bytes = 4096;
/// How much of an unwanted body is read before closing, so that the client sees the answer and not a reset.
constexpr std::size_t drain_bytes_max = 1024 * 1024;
constexpr std::chrono::seconds drain_deadline{2};

/// RFC 9110, section 5.6.7.
std::string http_date(WallTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(time));
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 40> buffer{};
    return std::string(buffer.data(), std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::string_view view(beast::string_view text) {
    return {text.data(), text.size()};
}

bool is_http_error(const boost::system::error_code& error) {
    return error.category() == http::make_error_code(http::error::bad_method).category();
}

class Connection final : public HttpConnection {
  public:
    Connection(asio::ip::tcp::socket socket, ConnectionContext context)
        : context_(std::move(context)), tcp_(std::move(socket)), buffer_(context_.limits.header_bytes_max + read_chunk_bytes) {}

    asio::awaitable<void> run() override {
        boost::system::error_code ignored;
        tcp_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
        if (const auto peer = tcp_.socket().remote_endpoint(ignored); !ignored) remote_ip_ = peer.address().to_string();
        std::array<unsigned char, 1> first{};
        tcp_.expires_after(context_.limits.first_byte_deadline);
        idle_ = true;
        const auto [error, size] = co_await tcp_.async_read_some(asio::buffer(first), as_result);
        idle_ = false;
        if (error || size != 1) co_return;
        if (first[0] == tls_handshake_record) {
            co_await serve_tls(first[0]);
        } else if (context_.mode == ListenerMode::http_and_https) {
            buffer_.commit(asio::buffer_copy(buffer_.prepare(1), asio::buffer(first)));
            co_await serve(tcp_);
            close_plain();
        }
    }

    void stop_when_idle() override {
        stopping_ = true;
        if (idle_) abort();
    }

    void abort() override {
        stopping_ = true;
        tcp_.close();
    }

  private:
    asio::awaitable<void> serve_tls(unsigned char first) {
        TlsStream tls(tcp_, *context_.tls);
        tcp_.expires_after(context_.limits.handshake_deadline);
        idle_ = true;  // no request is under way yet: a stop need not wait
        const auto [error, consumed] = co_await tls.async_handshake(asio::ssl::stream_base::server, asio::buffer(&first, 1), as_result);
        idle_ = false;
        if (error) {
            logger("api").debug("tls handshake failed remote_ip={} error={}", remote_ip_, error.message());
            co_return;
        }
        read_peer(tls.native_handle());
        co_await serve(tls);
        if (!tcp_.socket().is_open()) co_return;
        tcp_.expires_after(drain_deadline);
        const auto [ignored] = co_await tls.async_shutdown(as_result);
        static_cast<void>(ignored);
    }

    void read_peer(SSL* ssl) {
        if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name); name != nullptr) server_name_ = name;
        X509* certificate = SSL_get1_peer_certificate(ssl);
        if (certificate == nullptr) return;
        unsigned char* der = nullptr;
        if (const int size = i2d_X509(certificate, &der); size > 0) {
            certificate_der_.assign(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
            OPENSSL_free(der);
        }
        X509_free(certificate);
    }

    void close_plain() {
        boost::system::error_code ignored;
        tcp_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
        tcp_.close();
    }

    template <class Stream>
    asio::awaitable<void> serve(Stream& stream) {
        bool go_on = true;
        while (go_on && !stopping_) {
            if (buffer_.size() == 0) go_on = co_await wait_for_request(stream);
            if (go_on) go_on = co_await serve_one(stream);
        }
    }

    /// Waits for the first bytes of the next request; false if the connection is over.
    template <class Stream>
    asio::awaitable<bool> wait_for_request(Stream& stream) {
        tcp_.expires_after(context_.limits.idle_deadline);
        idle_ = true;
        const auto [error, size] = co_await stream.async_read_some(buffer_.prepare(read_chunk_bytes), as_result);
        idle_ = false;
        buffer_.commit(size);
        co_return !error;
    }

    /// One request and its answer; false if the connection must not be used any more.
    template <class Stream>
    asio::awaitable<bool> serve_one(Stream& stream) {
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(context_.limits.header_bytes_max));
        parser.body_limit(boost::none);  // judged below, by who is asking
        tcp_.expires_after(context_.limits.header_deadline);
        const auto [error, size] = co_await http::async_read_header(stream, buffer_, parser, as_result);
        static_cast<void>(size);
        if (error) co_return co_await refuse_header(stream, error);
        Request request = make_head(parser.get());
        const std::size_t body_bytes_max = context_.handler->body_bytes_max(request);
        if (parser.content_length().value_or(0) > body_bytes_max) co_return co_await refuse_body(stream, request);
        parser.body_limit(body_bytes_max);
        if (!parser.is_done()) {
            const bool read = co_await read_body(stream, parser, request);
            if (!read) co_return false;
        }
        request.body = std::move(parser.get().body());
        const bool head_only = request.method == "HEAD";
        const bool keep_alive = parser.keep_alive();
        const unsigned version = parser.get().version();
        tcp_.expires_never();  // handlers have deadlines of their own
        Response response = co_await context_.handler->handle(std::move(request));
        co_return co_await write(stream, std::move(response), version, keep_alive && !stopping_, head_only);
    }

    /// False if the connection is over; a refusal has been written then.
    template <class Stream>
    asio::awaitable<bool> read_body(Stream& stream, Parser& parser, const Request& head) {
        tcp_.expires_after(context_.limits.body_deadline);
        if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            http::response<http::empty_body> go_ahead(http::status::continue_, 11);
            const auto [error, size] = co_await http::async_write(stream, go_ahead, as_result);
            static_cast<void>(size);
            if (error) co_return false;
        }
        const auto [error, size] = co_await http::async_read(stream, buffer_, parser, as_result);
        static_cast<void>(size);
        if (!error) co_return true;
        if (error == http::error::body_limit) {
            co_await refuse_body(stream, head);
        } else {
            co_await refuse_header(stream, error);
        }
        co_return false;
    }

    template <class Stream>
    asio::awaitable<bool> refuse_body(Stream& stream, const Request& head) {
        Response response = context_.handler->refuse_body(head);
        co_await write_last(stream, std::move(response));
        co_return false;
    }

    /// Bytes that are no request get an answer; a peer that left or was too slow does not.
    template <class Stream>
    asio::awaitable<bool> refuse_header(Stream& stream, boost::system::error_code error) {
        if (!is_http_error(error) || error == http::error::end_of_stream || error == http::error::partial_message) co_return false;
        const bool too_large = error == http::error::header_limit || error == http::error::buffer_overflow;
        logger("api").debug("bad http request remote_ip={} error={}", remote_ip_, error.message());
        Response response =
            context_.handler->refuse_connection(too_large ? 431 : 400, too_large ? "request header fields too large\n" : "bad request\n");
        co_await write_last(stream, std::move(response));
        co_return false;
    }

    /// Writes, then reads what the peer is still sending for a moment: closing over unread bytes would reset the connection and lose the
    /// answer.
    template <class Stream>
    asio::awaitable<void> write_last(Stream& stream, Response response) {
        const bool written = co_await write(stream, std::move(response), 11, false, false);
        static_cast<void>(written);
        if (!tcp_.socket().is_open()) co_return;
        if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
            boost::system::error_code ignored;
            tcp_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
        }
        tcp_.expires_after(drain_deadline);
        std::array<char, read_chunk_bytes> scratch{};
        for (std::size_t drained = 0; drained < drain_bytes_max;) {
            const auto [error, size] = co_await stream.async_read_some(asio::buffer(scratch), as_result);
            if (error) break;
            drained += size;
        }
    }

    /// True if the connection may carry another request.
    template <class Stream>
    asio::awaitable<bool> write(Stream& stream, Response response, unsigned version, bool keep_alive, bool head_only) {
        tcp_.expires_after(context_.limits.write_deadline);
        http::response<http::string_body> message(static_cast<http::status>(response.status), version);
        message.set(http::field::date, http_date(context_.clock->now()));
        if (!response.content_type.empty()) message.set(http::field::content_type, response.content_type);
        for (const Header& header : response.headers) message.insert(header.name, header.value);
        message.keep_alive(keep_alive);
        if (response.status != 204) message.content_length(response.body.size());
        if (!head_only) message.body() = std::move(response.body);
        http::response_serializer<http::string_body> serializer(message);
        const auto [error, size] = co_await http::async_write(stream, serializer, as_result);
        static_cast<void>(size);
        co_return !error && keep_alive;
    }

    Request make_head(const http::request<http::string_body>& message) const {
        Request request;
        request.method = view(message.method_string());
        const std::string_view target = view(message.target());
        const std::size_t mark = target.find('?');
        request.path = target.substr(0, mark);
        if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
        for (const auto& field : message) request.headers.emplace_back(lower(view(field.name_string())), std::string(view(field.value())));
        request.remote_ip = remote_ip_;
        request.server_name = server_name_;
        request.local_port = context_.local_port;
        request.client_certificate_der = certificate_der_;
        return request;
    }

    ConnectionContext context_;
    beast::tcp_stream tcp_;
    beast::flat_buffer buffer_;
    std::string remote_ip_, server_name_, certificate_der_;
    bool idle_ = false, stopping_ = false;
};

}  // namespace

std::shared_ptr<HttpConnection> make_http_connection(asio::ip::tcp::socket socket, ConnectionContext context) {
    return std::make_shared<Connection>(std::move(socket), std::move(context));
}

}  // namespace fogbank::api
