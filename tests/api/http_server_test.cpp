// The connection itself, over real sockets on ports that the system picks: bounds, deadlines, framing, TLS, stopping.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <future>

#include "api/http_listener.h"
#include "api/tls_context.h"
#include "common/x509.h"
#include "tests/api/fakes.h"
#include "tests/api/signing.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct KeyPair {
    std::string certificate_pem, key_pem;
};

KeyPair self_signed() {
    SystemRandom random;
    const auto key = x509::generate_p256();
    const WallTime now = SystemClock().now();
    x509::Name name;
    name.common_name = "localhost";
    const auto certificate = x509::make_root(*key, name, x509::Validity{now - std::chrono::hours(1), now + std::chrono::hours(24)}, random);
    return KeyPair{*x509::certificate_pem(*certificate), *x509::private_key_pem(*key)};
}

/// Answers each request with what it was asked; a path of `/hold` waits until the test lets go.
class EchoHandler final : public RequestHandler {
  public:
    std::size_t body_bytes_max(const Request&) override { return 1000; }
    Response refuse_body(const Request&) override { return text(413, "too large"); }
    Response refuse_connection(unsigned status, std::string_view reason) override { return text(status, reason); }
    asio::awaitable<Response> handle(Request request) override {
        if (request.path == "/hold") {
            held.set_value();
            asio::steady_timer timer(co_await asio::this_coro::executor, milliseconds(1));
            while (!let_go) {
                timer.expires_after(milliseconds(1));
                co_await timer.async_wait(asio::use_awaitable);
            }
        }
        std::string body = request.method + " " + request.path + "?" + request.query + " [" + request.body + "]";
        if (request.path == "/certificate") body = std::to_string(request.client_certificate_der.size()) + " " + request.server_name;
        if (request.path == "/empty") co_return Response(204);
        co_return text(200, body);
    }
    std::promise<void> held;
    std::atomic<bool> let_go{false};

  private:
    static Response text(unsigned status, std::string_view body) {
        Response response(status);
        response.content_type = "text/plain";
        response.body = body;
        return response;
    }
};

class HttpServer : public ::testing::Test {
  protected:
    void start(ListenerMode mode = ListenerMode::http_and_https, HttpLimits limits = {}) {
        const KeyPair pair = self_signed();
        ConnectionContext context;
        context.handler = handler_;
        ApiOptions options;
        options.certificate_chain_pem = pair.certificate_pem;
        options.private_key_pem = pair.key_pem;
        context.tls = *make_tls_context(options, mode);
        context.clock = &clock_;
        context.mode = mode;
        context.limits = limits;
        auto opened = HttpListener::open(shards_, "127.0.0.1", 0, std::move(context));
        ASSERT_TRUE(opened) << opened.error().message;
        listener_ = *opened;
        shards_.start();
        listener_->start();
    }
    void TearDown() override {
        handler_->let_go = true;
        if (listener_) {
            listener_->begin_stop();
            EXPECT_TRUE(listener_->wait_until_empty(std::chrono::steady_clock::now() + seconds(10)));
        }
        shards_.stop();
    }
    tcp::socket connect() {
        tcp::socket socket(io_);
        socket.connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), listener_->port()));
        return socket;
    }
    template <class Stream>
    static std::string read_all(Stream& stream) {
        std::string out;
        boost::system::error_code error;
        asio::read(stream, asio::dynamic_buffer(out), error);
        return out;
    }
    /// Sends and reads until the server closes.
    std::string exchange(const std::string& bytes) {
        tcp::socket socket = connect();
        boost::system::error_code ignored;
        asio::write(socket, asio::buffer(bytes), ignored);
        return read_all(socket);
    }
    static std::string last(const std::string& request) { return request + "Connection: close\r\n\r\n"; }

    fogbank::testing::ManualClock clock_;
    std::shared_ptr<EchoHandler> handler_ = std::make_shared<EchoHandler>();
    ShardPool shards_{2};
    std::shared_ptr<HttpListener> listener_;
    asio::io_context io_;
};

TEST_F(HttpServer, AnswersWithDateAndLength) {
    start();
    const std::string answer = exchange(last("GET /a?b=c HTTP/1.1\r\nHost: x\r\n"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("Date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Content-Length: 13\r\n"), std::string::npos) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nGET /a?b=c []")) << answer;
}

TEST_F(HttpServer, KeepsTheConnectionAndAnswersPipelinedRequestsInOrder) {
    start();
    const std::string answer = exchange("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\nHost: x\r\n\r\n" +
                                        last("GET /3 HTTP/1.1\r\nHost: x\r\n"));
    const std::size_t first = answer.find("POST /1? [ab]"), second = answer.find("GET /2? []"), third = answer.find("GET /3? []");
    ASSERT_NE(third, std::string::npos) << answer;
    EXPECT_LT(first, second);
    EXPECT_LT(second, third);
}

TEST_F(HttpServer, TakesBytesOneByOne) {
    start();
    tcp::socket socket = connect();
    socket.set_option(tcp::no_delay(true));
    for (const char c : last("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n") + "abc") asio::write(socket, asio::buffer(&c, 1));
    EXPECT_TRUE(read_all(socket).ends_with("POST /x? [abc]"));
}

TEST_F(HttpServer, TakesChunkedBodies) {
    start();
    EXPECT_TRUE(
        exchange("POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            .ends_with("POST /x? [abcde]"));
}

TEST_F(HttpServer, HeadHasNoBodyAndNoContentHasNoLength) {
    start();
    const std::string head = exchange(last("HEAD /a HTTP/1.1\r\nHost: x\r\n"));
    EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
    EXPECT_NE(head.find("Content-Length: 11"), std::string::npos) << head;
    const std::string empty = exchange(last("DELETE /empty HTTP/1.1\r\nHost: x\r\n"));
    EXPECT_TRUE(empty.starts_with("HTTP/1.1 204")) << empty;
    EXPECT_EQ(empty.find("Content-Length"), std::string::npos) << empty;
}

TEST_F(HttpServer, GoesAheadOnlyForBodiesItWillTake) {
    start();
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(last("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n")));
    const std::string go_ahead = "HTTP/1.1 100 Continue\r\n\r\n";
    std::string got(go_ahead.size(), '\0');
    asio::read(socket, asio::buffer(got));
    EXPECT_EQ(got, go_ahead);
    asio::write(socket, asio::buffer("abc", 3));
    EXPECT_TRUE(read_all(socket).ends_with("POST /x? [abc]"));
    EXPECT_TRUE(
        exchange("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST_F(HttpServer, RefusesLargeBodiesBeforeReadingThem) {
    start();
    const std::string answer = exchange("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nabc");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413")) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
    std::string chunked = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 11; ++i) chunked += "64\r\n" + std::string(100, 'x') + "\r\n";
    EXPECT_TRUE(exchange(chunked + "0\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST_F(HttpServer, RefusesLargeHeaders) {
    start();
    EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(17 * 1024, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 431"));
    EXPECT_TRUE(exchange("GET /" + std::string(17 * 1024, 'x') + " HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 431"));
}

TEST_F(HttpServer, RefusesGarbage) {
    start();
    for (const std::string bytes :
         {"\r\n\r\nhello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
        EXPECT_TRUE(exchange(bytes).starts_with("HTTP/1.1 400")) << bytes;
    }
    // And goes on serving.
    EXPECT_TRUE(exchange(last("GET /a HTTP/1.1\r\nHost: x\r\n")).starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServer, ClosesSlowHeadersAndIdleConnections) {
    HttpLimits limits;
    limits.first_byte_deadline = limits.header_deadline = limits.idle_deadline = limits.body_deadline = limits.handshake_deadline =
        milliseconds(50);
    start(ListenerMode::http_and_https, limits);
    EXPECT_EQ(exchange(""), "");
    EXPECT_EQ(exchange("GET / HTT"), "");
    EXPECT_EQ(exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"), "");
    EXPECT_EQ(exchange("\x16\x03\x01"), "");
    const std::string idle = exchange("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(idle.starts_with("HTTP/1.1 200")) << idle;
}

TEST_F(HttpServer, BoundsItsConnections) {
    HttpLimits limits;
    limits.connections_max = 1;
    start(ListenerMode::http_and_https, limits);
    tcp::socket first = connect();
    asio::write(first, asio::buffer(std::string("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")));
    char byte = 0;
    asio::read(first, asio::buffer(&byte, 1));
    EXPECT_EQ(exchange(last("GET /b HTTP/1.1\r\nHost: x\r\n")), "");
}

class HttpServerTls : public HttpServer {
  protected:
    std::string https(const std::string& bytes, const KeyPair* client, boost::system::error_code& error) {
        asio::ssl::context context(asio::ssl::context::tls_client);
        if (client != nullptr) {
            context.use_certificate_chain(asio::buffer(client->certificate_pem));
            context.use_private_key(asio::buffer(client->key_pem), asio::ssl::context::pem);
        }
        asio::ssl::stream<tcp::socket> stream(connect(), context);
        SSL_set_tlsext_host_name(stream.native_handle(), "gateway.example");
        stream.handshake(asio::ssl::stream_base::client, error);
        if (error) return {};
        asio::write(stream, asio::buffer(bytes), error);
        return read_all(stream);
    }
};

TEST_F(HttpServerTls, SamePortSpeaksBoth) {
    start();
    boost::system::error_code error;
    EXPECT_TRUE(https(last("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n") + "a", nullptr, error).ends_with("POST /x? [a]"))
        << error.message();
    EXPECT_TRUE(exchange(last("GET /a HTTP/1.1\r\nHost: x\r\n")).starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTls, MutualTlsHandsTheCertificateOver) {
    start(ListenerMode::mutual_tls);
    const KeyPair client = self_signed();
    boost::system::error_code error;
    const std::string answer = https(last("GET /certificate HTTP/1.1\r\nHost: x\r\n"), &client, error);
    const auto certificate = x509::read_certificate_pem(client.certificate_pem);
    EXPECT_TRUE(answer.ends_with(std::to_string(x509::certificate_der(*certificate)->size()) + " gateway.example")) << answer;
}

TEST_F(HttpServerTls, MutualTlsNeedsTheCertificateAndTls) {
    start(ListenerMode::mutual_tls);
    boost::system::error_code error;
    EXPECT_EQ(https(last("GET /certificate HTTP/1.1\r\nHost: x\r\n"), nullptr, error), "");
    EXPECT_EQ(exchange(last("GET /a HTTP/1.1\r\nHost: x\r\n")), "");
}

TEST_F(HttpServer, StopFinishesWhatIsUnderWay) {
    start();
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(std::string("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")));
    handler_->held.get_future().wait();
    listener_->begin_stop();
    EXPECT_FALSE(listener_->wait_until_empty(std::chrono::steady_clock::now() + milliseconds(20)));
    handler_->let_go = true;
    const std::string answer = read_all(socket);
    EXPECT_TRUE(answer.ends_with("GET /hold? []")) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
    EXPECT_TRUE(listener_->wait_until_empty(std::chrono::steady_clock::now() + seconds(10)));
}

TEST_F(HttpServer, AbortClosesWithoutAnAnswer) {
    start();
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(std::string("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")));
    handler_->held.get_future().wait();
    listener_->begin_stop();
    listener_->abort();
    EXPECT_EQ(read_all(socket), "");
    handler_->let_go = true;
    EXPECT_TRUE(listener_->wait_until_empty(std::chrono::steady_clock::now() + seconds(10)));
}

TEST(ApiServerTest, ListensOnTwoPortsServesSignedRequestsAndStops) {
    testing::World world;
    const KeyPair pair = self_signed();
    world.shards.start();
    auto server = make_api_server(world.dependencies());
    ApiOptions options;
    options.bind = "127.0.0.1";
    options.api_port = 0;
    options.https_port = 0;
    options.certificate_chain_pem = pair.certificate_pem;
    options.private_key_pem = pair.key_pem;
    const auto ports = server->listen(options);
    ASSERT_TRUE(ports) << ports.error().message;
    EXPECT_GT(ports->api, 0);
    EXPECT_GT(ports->https, 0);
    EXPECT_NE(ports->api, ports->https);

    Request request = testing::make_request("GET", "/things");
    testing::sign(request, "iot");
    std::string bytes = "GET /things HTTP/1.1\r\nConnection: close\r\n";
    for (const Header& header : request.headers) bytes += header.name + ": " + header.value + "\r\n";
    asio::io_context io;
    tcp::socket socket(io);
    socket.connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(ports->api)));
    asio::write(socket, asio::buffer(bytes + "\r\n"));
    std::string answer;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
    EXPECT_TRUE(answer.ends_with(R"({"things":[]})")) << answer;

    ApiOptions taken = options;
    taken.api_port = ports->api;
    auto second = make_api_server(world.dependencies());
    const auto refused = second->listen(taken);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("127.0.0.1:" + std::to_string(ports->api)), std::string::npos);

    server->stop(seconds(5));
    tcp::socket late(io);
    late.connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(ports->api)), error);
    EXPECT_TRUE(error);
    world.shards.stop();
}

}  // namespace
}  // namespace fogbank::api
