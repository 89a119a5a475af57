/// TLS for the test client, and the certificates of a small world: one root, one server, devices.
#pragma once

#include <openssl/ssl.h>

#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/random.h"
#include "common/x509.h"
#include "tests/broker/mqtt_client.h"

namespace fogbank::broker::testing {

struct Identity {
    std::string certificate_pem, key_pem, certificate_der;
};

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return std::move(*result);
}

/// Made once per process: keys are dear.
class TestPki {
  public:
    static const TestPki& instance() {
        static const TestPki pki;
        return pki;
    }

    Identity server, device_p256, device_rsa;
    /// Self-signed: the broker does not look at the chain.
    Identity stranger, weak_rsa;

  private:
    TestPki() {
        root_key_ = must(x509::generate_p256());
        x509::Name name;
        name.common_name = "test root";
        root_ = must(x509::make_root(root_key_, name, validity(), random_));
        server = leaf(must(x509::generate_p256()), true);
        device_p256 = leaf(must(x509::generate_p256()), false);
        device_rsa = leaf(must(x509::generate_rsa_2048()), false);
        stranger = self_signed(must(x509::generate_p256()));
        weak_rsa = self_signed(x509::Key(EVP_RSA_gen(1024)));
    }
    static x509::Validity validity() {
        return {WallTime(std::chrono::seconds(1'700'000'000)), WallTime(std::chrono::seconds(2'500'000'000))};
    }
    Identity leaf(const x509::Key& key, bool is_server) {
        x509::LeafOptions options;
        options.subject.common_name = is_server ? "localhost" : "device";
        options.validity = validity();
        options.server = is_server;
        if (is_server) options.alternative_names = {"localhost", "127.0.0.1"};
        return identity(must(x509::make_leaf(key, options, root_, root_key_, random_)), key);
    }
    Identity self_signed(const x509::Key& key) {
        x509::Name name;
        name.common_name = "self";
        return identity(must(x509::make_root(key, name, validity(), random_)), key);
    }
    static Identity identity(const x509::Certificate& certificate, const x509::Key& key) {
        return {must(x509::certificate_pem(certificate)), must(x509::private_key_pem(key)), must(x509::certificate_der(certificate))};
    }

    SystemRandom random_;
    x509::Key root_key_;
    x509::Certificate root_;
};

struct TlsOptions {
    const Identity* identity = nullptr;  ///< none: no client certificate
    int version = TLS1_3_VERSION;
    std::vector<std::string> alpn;
    std::string server_name;
    std::string ciphers;  ///< TLS 1.2's; empty: all
    std::string suites;   ///< TLS 1.3's; empty: all
    std::string before_handshake;
};

/// Throws nothing after construction; a failed handshake leaves `established` false.
class TlsClientSocket : public ClientSocket {
  public:
    TlsClientSocket(std::int32_t port, const TlsOptions& options) : ClientSocket(port), context_(SSL_CTX_new(TLS_client_method())) {
        ::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own BIO raises it where the broker has closed
        SSL_CTX_set_min_proto_version(context_.get(), options.version);
        SSL_CTX_set_max_proto_version(context_.get(), options.version);
        SSL_CTX_set_security_level(context_.get(), 0);
        if (!options.ciphers.empty()) SSL_CTX_set_cipher_list(context_.get(), options.ciphers.c_str());
        if (!options.suites.empty()) SSL_CTX_set_ciphersuites(context_.get(), options.suites.c_str());
        if (options.identity != nullptr) use(*options.identity);
        ssl_.reset(SSL_new(context_.get()));
        ClientSocket::write(options.before_handshake);
        SSL_set_fd(ssl_.get(), descriptor());
        if (!options.server_name.empty()) SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str());
        std::string offer;
        for (const std::string& name : options.alpn) offer += static_cast<char>(name.size()) + name;
        if (!offer.empty())
            SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offer.data()), static_cast<unsigned>(offer.size()));
        established = SSL_connect(ssl_.get()) == 1;
    }

    bool established = false;
    std::string selected_protocol() const {
        const unsigned char* protocol = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
        return {reinterpret_cast<const char*>(protocol), size};
    }
    SSL* ssl() { return ssl_.get(); }

    bool write(std::string_view bytes) override {
        if (!established) return false;
        return bytes.empty() || SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
    }
    std::ptrdiff_t read(char* to, std::size_t size) override {
        if (!established) return 0;
        const int got = SSL_read(ssl_.get(), to, static_cast<int>(size));
        if (got > 0) return got;
        // A time-out of the socket is the only failure that is not an end.
        const int error = SSL_get_error(ssl_.get(), got);
        return error == SSL_ERROR_WANT_READ ? -1 : 0;
    }

  private:
    void use(const Identity& identity) {
        const x509::Certificate certificate = must(x509::read_certificate_pem(identity.certificate_pem));
        const x509::Key key = must(x509::read_private_key_pem(identity.key_pem));
        SSL_CTX_use_certificate(context_.get(), certificate.get());
        SSL_CTX_use_PrivateKey(context_.get(), key.get());
    }
    struct ContextDeleter {
        void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    };
    struct SslDeleter {
        void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    };
    std::unique_ptr<SSL_CTX, ContextDeleter> context_;
    std::unique_ptr<SSL, SslDeleter> ssl_;
};

}  // namespace fogbank::broker::testing
