#include "api/http_connection.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <ctime>
#include <span>

#include "api/http_transport.h"
#include "common/logging.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

using Parser = http::request_parser<http::string_body>;
using boost::system::error_code;

constexpr unsigned char tls_handshake_record = 0x16;  // RFC 8446, section 5.1
constexpr std::size_t read_chunk_bytes = 16 * 1024;
/// How much of an unwanted body is read before closing, so that the client sees the answer and not a reset.
constexpr std::size_t drain_bytes_max = 1024 * 1024;
constexpr std::chrono::seconds drain_deadline{2};
constexpr std::size_t head_bytes_typical = 320;

/// The Date header, RFC 9110, section 5.6.7, formatted once a second.
class DateHeader {
  public:
    const std::string& text(WallTime now) {
        const auto second = std::chrono::floor<std::chrono::seconds>(now);
        if (text_.empty() || second != second_) {
            second_ = second;
            const std::time_t seconds = std::chrono::system_clock::to_time_t(second);
            std::tm parts{};
            gmtime_r(&seconds, &parts);
            std::array<char, 40> buffer{};
            text_.assign(buffer.data(), std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts));
        }
        return text_;
    }

  private:
    std::chrono::sys_seconds second_{};
    std::string text_;
};

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
        : context_(std::move(context)),
          transport_(make_socket_transport(std::move(socket))),
          buffer_(context_.limits.header_bytes_max + read_chunk_bytes) {}

    Connection(AdoptedConnection adopted, ConnectionContext context)
        : context_(std::move(context)),
          transport_(std::move(adopted.transport)),
          buffer_(adopted.first_bytes.size() + context_.limits.header_bytes_max + read_chunk_bytes),
          remote_ip_(std::move(adopted.remote_ip)),
          server_name_(std::move(adopted.server_name)),
          certificate_der_(std::move(adopted.client_certificate_der)),
          secure_(true),
          adopted_(true) {
        buffer_.commit(asio::buffer_copy(buffer_.prepare(adopted.first_bytes.size()), asio::buffer(adopted.first_bytes)));
    }

    asio::awaitable<void> run() override {
        if (!adopted_) {
            const bool arrived = co_await arrive();
            if (!arrived) co_return;
        }
        co_await serve();
        transport_->expires_after(drain_deadline);
        co_await transport_->close();
    }

    void stop_when_idle() override {
        stopping_ = true;
        if (idle_) transport_->abort();
    }

    void abort() override {
        stopping_ = true;
        transport_->abort();
    }

  private:
    /// TLS or plain, by the first byte. False if the connection is over.
    asio::awaitable<bool> arrive() {
        remote_ip_ = transport_->remote_ip();
        transport_->expires_after(context_.limits.first_byte_deadline);
        std::array<char, 1> first{};
        const TransferResult got = co_await read_idle(first);
        if (got.error) co_return false;
        const auto record = static_cast<unsigned char>(first[0]);
        if (record == tls_handshake_record) co_return co_await start_tls(record);
        if (context_.mode != ListenerMode::http_and_https) co_return false;
        buffer_.commit(asio::buffer_copy(buffer_.prepare(1), asio::buffer(first)));
        co_return true;
    }

    asio::awaitable<bool> start_tls(unsigned char record) {
        transport_->expires_after(context_.limits.handshake_deadline);
        idle_ = true;  // no request is under way yet: a stop need not wait
        const error_code error = co_await transport_->start_tls(*context_.tls, std::span(&record, 1));
        idle_ = false;
        if (error) {
            logger("api").debug("tls handshake failed remote_ip={} error={}", remote_ip_, error.message());
        } else {
            secure_ = true;
            read_peer(transport_->tls());
        }
        co_return !error;
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

    asio::awaitable<void> serve() {
        bool go_on = true;
        while (go_on && !stopping_) {
            if (buffer_.size() == 0) go_on = co_await wait_for_request();
            if (go_on) go_on = co_await serve_one();
        }
    }

    asio::awaitable<TransferResult> read_idle(std::span<char> into) {
        idle_ = true;
        const TransferResult got = co_await transport_->read_some(into);
        idle_ = false;
        co_return got;
    }

    /// Waits for the first bytes of the next request; false if the connection is over.
    asio::awaitable<bool> wait_for_request() {
        transport_->expires_after(context_.limits.idle_deadline);
        const auto space = buffer_.prepare(read_chunk_bytes);
        const std::span<char> into(static_cast<char*>(space.data()), space.size());
        const TransferResult got = co_await read_idle(into);
        buffer_.commit(got.bytes);
        co_return !got.error;
    }

    /// One request and its answer; false if the connection must not be used any more.
    asio::awaitable<bool> serve_one() {
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(context_.limits.header_bytes_max));
        parser.body_limit(boost::none);  // judged below, by who is asking
        transport_->expires_after(context_.limits.header_deadline);
        const error_code error = co_await parse(parser, &Parser::is_header_done);
        if (error) co_return co_await refuse_header(error);
        Request request = make_head(parser.get());
        const std::size_t body_bytes_max = context_.handler->body_bytes_max(request);
        if (parser.content_length().value_or(0) > body_bytes_max) co_return co_await refuse_body(request);
        parser.body_limit(body_bytes_max);
        if (!parser.is_done()) {
            const bool read = co_await read_body(parser, request);
            if (!read) co_return false;
        }
        request.body = std::move(parser.get().body());
        const bool head_only = request.method == "HEAD";
        const bool keep_alive = parser.keep_alive();
        const unsigned version = parser.get().version();
        transport_->expires_never();  // handlers have deadlines of their own
        const Response response = co_await context_.handler->handle(std::move(request));
        if (response.stream && !head_only) co_return co_await write_stream(response, version);
        co_return co_await write(response, version, keep_alive && !stopping_, head_only);
    }

    /// Reads and parses until `reached`; what follows stays in the buffer.
    asio::awaitable<error_code> parse(Parser& parser, bool (Parser::*reached)() const) {
        error_code error;
        while (!error && !(parser.*reached)()) {
            if (buffer_.size() != 0) {
                buffer_.consume(parser.put(buffer_.data(), error));
                if (!error) continue;
                if (error != http::error::need_more) break;
                error = {};
            }
            const std::size_t free = std::min(buffer_.max_size() - buffer_.size(), read_chunk_bytes);
            if (free == 0) co_return http::error::buffer_overflow;
            const auto space = buffer_.prepare(free);
            const std::span<char> into(static_cast<char*>(space.data()), space.size());
            const TransferResult got = co_await transport_->read_some(into);
            buffer_.commit(got.bytes);
            error = got.error;
        }
        co_return error;
    }

    /// False if the connection is over; a refusal has been written then.
    asio::awaitable<bool> read_body(Parser& parser, const Request& head) {
        transport_->expires_after(context_.limits.body_deadline);
        if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
            const error_code unsent = co_await transport_->write("HTTP/1.1 100 Continue\r\n\r\n");
            if (unsent) co_return false;
        }
        parser.eager(true);
        const error_code error = co_await parse(parser, &Parser::is_done);
        if (!error) co_return true;
        if (error == http::error::body_limit) {
            co_await refuse_body(head);
        } else {
            co_await refuse_header(error);
        }
        co_return false;
    }

    asio::awaitable<bool> refuse_body(const Request& head) {
        const Response response = context_.handler->refuse_body(head);
        co_await write_last(response);
        co_return false;
    }

    /// Bytes that are no request get an answer; a peer that left or was too slow does not.
    asio::awaitable<bool> refuse_header(error_code error) {
        if (!is_http_error(error)) co_return false;
        const bool too_large = error == http::error::header_limit || error == http::error::buffer_overflow;
        logger("api").debug("bad http request remote_ip={} error={}", remote_ip_, error.message());
        const Response response =
            context_.handler->refuse_connection(too_large ? 431 : 400, too_large ? "request header fields too large\n" : "bad request\n");
        co_await write_last(response);
        co_return false;
    }

    /// Writes, then reads what the peer is still sending for a moment: closing over unread bytes would reset the connection and lose the
    /// answer.
    asio::awaitable<void> write_last(const Response& response) {
        const bool written = co_await write(response, 11, false, false);
        static_cast<void>(written);
        if (!transport_->is_open()) co_return;
        transport_->shutdown_send();
        transport_->expires_after(drain_deadline);
        std::array<char, read_chunk_bytes> scratch{};
        for (std::size_t drained = 0; drained < drain_bytes_max;) {
            const TransferResult got = co_await transport_->read_some(scratch);
            if (got.error) break;
            drained += got.bytes;
        }
    }

    std::string head_text(const Response& response, unsigned version, bool keep_alive, bool with_length) {
        std::string out;
        out.reserve(head_bytes_typical + response.body.size());
        const auto line = [&](std::string_view name, std::string_view value) {
            out.append(name).append(": ").append(value).append("\r\n");
        };
        out.append(version == 10 ? "HTTP/1.0 " : "HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
        out.append(view(http::obsolete_reason(static_cast<http::status>(response.status)))).append("\r\n");
        line("Date", date_.text(context_.clock->now()));
        if (!response.content_type.empty()) line("Content-Type", response.content_type);
        for (const Header& header : response.headers) line(header.name, header.value);
        if (version == 10 && keep_alive) line("Connection", "keep-alive");
        if (version != 10 && !keep_alive) line("Connection", "close");
        if (with_length) line("Content-Length", std::to_string(response.body.size()));
        return out.append("\r\n");
    }

    /// True if the connection may carry another request.
    asio::awaitable<bool> write(const Response& response, unsigned version, bool keep_alive, bool head_only) {
        transport_->expires_after(context_.limits.write_deadline);
        std::string bytes = head_text(response, version, keep_alive, response.status != 204);
        if (!head_only) bytes += response.body;
        const error_code error = co_await transport_->write(bytes);
        co_return !error && keep_alive;
    }

    /// A body without end: until the peer leaves or the server stops. Then the connection is over.
    asio::awaitable<bool> write_stream(const Response& response, unsigned version) {
        Response head = response;
        head.stream.reset();
        std::string bytes = head_text(head, version, false, false);
        while (!stopping_) {
            if (!bytes.empty()) {
                transport_->expires_after(context_.limits.write_deadline);
                const error_code error = co_await transport_->write(bytes);
                transport_->expires_never();
                if (error) break;
            }
            bytes = co_await response.stream->next();
        }
        co_return false;
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
        request.secure = secure_;
        request.local_port = context_.local_port;
        request.client_certificate_der = certificate_der_;
        request.peer = peer_;
        return request;
    }

    ConnectionContext context_;
    std::unique_ptr<HttpTransport> transport_;
    beast::flat_buffer buffer_;
    std::string remote_ip_, server_name_, certificate_der_;
    DateHeader date_;
    std::shared_ptr<Peer> peer_ = std::make_shared<Peer>();
    bool secure_ = false;
    bool idle_ = false, stopping_ = false;
    const bool adopted_ = false;  ///< accepted and decrypted elsewhere
};

}  // namespace

std::shared_ptr<HttpConnection> make_http_connection(asio::ip::tcp::socket socket, ConnectionContext context) {
    return std::make_shared<Connection>(std::move(socket), std::move(context));
}

std::shared_ptr<HttpConnection> make_http_connection(AdoptedConnection adopted, ConnectionContext context) {
    return std::make_shared<Connection>(std::move(adopted), std::move(context));
}

}  // namespace fogbank::api
