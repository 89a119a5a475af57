#include "broker/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>

#include "broker/tls_records.h"
#include "common/common_errc.h"
#include "common/encoding.h"
#include "common/tls_policy.h"

namespace fogbank::broker {
namespace {

constexpr int rsa_bits_min = 2048;
// TLS 1.2 reads two records in one system call where they have come; the buffer lives only while there is something in it.
constexpr std::size_t read_ahead_bytes = 32 * 1024;

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using SslContext = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, Deleter<SSL_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using BioMethod = std::unique_ptr<BIO_METHOD, Deleter<BIO_meth_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

std::string openssl_reason() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    if (code == 0) return "no reason given";
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "error " + std::to_string(code);
}

Error crypto_error(std::string_view what) {
    return {CommonErrc::crypto_failure, std::string(what) + ": " + openssl_reason()};
}

// A socket BIO that raises no SIGPIPE and saves the read that would find nothing.
struct Socket {
    int descriptor = -1;
    bool trust_short_reads = false;  ///< once something was read, a short read means that the socket is empty
    bool drained = false;
    int error = 0;
};

int bio_result(BIO* bio, Socket& socket, ssize_t count) {
    BIO_clear_retry_flags(bio);
    if (count >= 0) return static_cast<int>(count);
    return socket.error = errno, -1;
}

int bio_write(BIO* bio, const char* from, int size) {
    auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
    const ssize_t sent = ::send(socket.descriptor, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    const int result = bio_result(bio, socket, sent);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
    return result;
}

int bio_read(BIO* bio, char* to, int size) {
    auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
    if (socket.drained && socket.trust_short_reads) {
        BIO_clear_retry_flags(bio);
        BIO_set_retry_read(bio);
        return -1;
    }
    const ssize_t got = ::recv(socket.descriptor, to, static_cast<std::size_t>(size), 0);
    const int result = bio_result(bio, socket, got);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_read(bio);
    socket.drained = got < size;
    return result;
}

long bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BioMethod make_bio_method() {
    BioMethod method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "fogbank socket"));
    if (!method || BIO_meth_set_write(method.get(), bio_write) != 1 || BIO_meth_set_read(method.get(), bio_read) != 1 ||
        BIO_meth_set_ctrl(method.get(), bio_control) != 1) {
        return nullptr;
    }
    return method;
}

/// RSA of at least 2048 bits, P-256, P-384 or P-521.
bool key_is_acceptable(EVP_PKEY* key) {
    if (key == nullptr) return false;
    const int type = EVP_PKEY_get_base_id(key);
    if (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) return EVP_PKEY_get_bits(key) >= rsa_bits_min;
    if (type != EVP_PKEY_EC) return false;
    char group[64] = {};
    if (EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) != 1) return false;
    const int curve = OBJ_sn2nid(group);
    return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1 || curve == NID_secp521r1;
}

int accept_certificate(X509_STORE_CTX* context, void*) {
    X509* leaf = X509_STORE_CTX_get0_cert(context);
    const bool acceptable = leaf != nullptr && key_is_acceptable(X509_get0_pubkey(leaf));
    X509_STORE_CTX_set_error(context, acceptable ? X509_V_OK : X509_V_ERR_EE_KEY_TOO_SMALL);
    return acceptable ? 1 : 0;
}

/// What a handshake is told and what it leaves; lives until it is over.
struct Negotiation {
    bool by_alpn = false;  ///< the port that serves more than MQTT
    TlsTrafficSecrets secrets;
    ~Negotiation() {
        for (std::string* secret : {&secrets.client, &secrets.server}) OPENSSL_cleanse(secret->data(), secret->size());
    }
};

/// OpenSSL's only way to the traffic secrets is its log of keys: `<label> <client random> <secret>`, in hex.
void keep_secret(const SSL* ssl, const char* text) {
    auto* negotiation = static_cast<Negotiation*>(SSL_get_app_data(ssl));
    const std::string_view line(text);
    const std::size_t first = line.find(' '), last = line.rfind(' ');
    if (negotiation == nullptr || first == last) return;
    const std::string_view label = line.substr(0, first);
    std::string* const secret = label == "CLIENT_TRAFFIC_SECRET_0"   ? &negotiation->secrets.client
                                : label == "SERVER_TRAFFIC_SECRET_0" ? &negotiation->secrets.server
                                                                     : nullptr;
    if (secret != nullptr) *secret = hex_decode(line.substr(last + 1)).value_or(std::string());
}

/// Selects, in the client's order, what this door knows, and ignores everything else: an unknown or surplus offer is no reason to abort
/// (reference "clients", section 5).
int select_protocol(SSL* ssl, const unsigned char** selected, unsigned char* selected_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
    const auto* negotiation = static_cast<const Negotiation*>(SSL_get_app_data(ssl));
    const bool by_alpn = negotiation != nullptr && negotiation->by_alpn;
    for (unsigned at = 0; at < offered_size; at += 1U + offered[at]) {
        const std::string_view name(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
        const bool with_certificate = name == alpn_mqtt || (by_alpn && name == alpn_http_certificate);
        const bool without = by_alpn && (name == alpn_custom || name == "http/1.1");
        if (!with_certificate && !without) continue;
        *selected = offered + at + 1;
        *selected_size = offered[at];
        if (with_certificate) SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_NOACK;
}

bool is_address(const char* name) {
    unsigned char ignored[16];
    return ::inet_pton(AF_INET, name, ignored) == 1 || ::inet_pton(AF_INET6, name, ignored) == 1;
}

/// Strict: a name that the certificate does not have is refused. Some clients send addresses as names, which is let pass.
int check_server_name(SSL* ssl, int* alert, void*) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr || is_address(name)) return SSL_TLSEXT_ERR_OK;
    if (X509_check_host(SSL_get_certificate(ssl), name, 0, 0, nullptr) == 1) return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

class TlsStream final : public Stream {
  public:
    TlsStream(std::shared_ptr<TlsContext> context, Ssl ssl, int descriptor)
        : context_(std::move(context)), owned_(descriptor), ssl_(std::move(ssl)) {
        socket_.descriptor = descriptor;
    }

    Result<void> attach(const BIO_METHOD* method, bool by_alpn) {
        negotiation_ = std::make_unique<Negotiation>();
        negotiation_->by_alpn = by_alpn;
        SSL_set_app_data(ssl_.get(), negotiation_.get());
        BIO* bio = BIO_new(method);
        if (bio == nullptr) return crypto_error("BIO");
        BIO_set_data(bio, &socket_);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl_.get(), bio, bio);
        SSL_set_accept_state(ssl_.get());
        return {};
    }

    int descriptor() const override { return socket_.descriptor; }

    IoResult handshake() override {
        socket_.trust_short_reads = false;
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_.get());
        established_ = result == 1;
        return established_ ? IoResult{} : outcome(result);
    }

    PeerFacts take_peer_facts() override {
        PeerFacts facts;
        if (X509* leaf = SSL_get0_peer_certificate(ssl_.get()); leaf != nullptr) {
            unsigned char* der = nullptr;
            if (const int size = i2d_X509(leaf, &der); size > 0)
                facts.certificate_der.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
            OPENSSL_free(der);
        }
        if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name); name != nullptr) facts.server_name = name;
        const unsigned char* protocol = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
        if (size != 0) facts.protocol.assign(reinterpret_cast<const char*>(protocol), size);
        leave_libssl();
        return facts;
    }

    IoResult read(char* to, std::size_t size) override {
        if (records_) return records_->read(socket_.descriptor, to, size);
        socket_.trust_short_reads = false;
        std::size_t total = 0;
        while (total < size) {
            ERR_clear_error();
            std::size_t got = 0;
            const int result = SSL_read_ex(ssl_.get(), to + total, size - total, &got);
            if (result != 1) {
                const IoResult end = outcome(result);
                // What was read counts first; an end is found again by the next read.
                return total == 0 ? end : IoResult{IoResult::Status::done, total, end.status == IoResult::Status::would_block};
            }
            total += got;
            socket_.trust_short_reads = true;
        }
        return {IoResult::Status::done, total, false};
    }

    IoResult write(const char* from, std::size_t size) override {
        if (records_) return records_->write(socket_.descriptor, from, size);
        std::size_t total = 0;
        while (total < size) {
            ERR_clear_error();
            std::size_t sent = 0;
            const int result = SSL_write_ex(ssl_.get(), from + total, size - total, &sent);
            if (result != 1) return total == 0 ? outcome(result) : IoResult{IoResult::Status::done, total, false};
            total += sent;
        }
        return {IoResult::Status::done, total, false};
    }

    bool reads_may_write() const override { return records_ == nullptr; }

    void end(CloseCode) override {
        if (records_) {
            records_->end(socket_.descriptor);
        } else {
            if (established_ && !broken_) SSL_shutdown(ssl_.get());
            ERR_clear_error();
        }
        ::shutdown(socket_.descriptor, SHUT_WR);
    }

    std::string failure() const override { return records_ ? records_->failure() : failure_; }

  private:
    /// TLS 1.3: from here on only records are left to do, and libssl's memory goes. TLS 1.2 stays with libssl.
    void leave_libssl() {
        SSL* ssl = ssl_.get();
        SSL_set_app_data(ssl, nullptr);
        const bool all_taken = SSL_version(ssl) == TLS1_3_VERSION && SSL_has_pending(ssl) == 0;
        if (all_taken) records_ = TlsRecords::create(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)), negotiation_->secrets);
        negotiation_.reset();
        if (!records_) {
            // Two records in one system call where they have come. Not before: what was read ahead could not be taken out of libssl.
            SSL_set_read_ahead(ssl, 1);
            return;
        }
        SSL_set_quiet_shutdown(ssl, 1);
        ssl_.reset();
        context_.reset();
    }

    IoResult outcome(int result) {
        switch (SSL_get_error(ssl_.get(), result)) {
            case SSL_ERROR_WANT_READ:
            case SSL_ERROR_WANT_WRITE:
                return {IoResult::Status::would_block, 0, false};
            case SSL_ERROR_ZERO_RETURN:
                return {IoResult::Status::closed, 0, false};
            case SSL_ERROR_SYSCALL:
                broken_ = true;
                failure_ = socket_.error != 0 ? std::error_code(socket_.error, std::generic_category()).message()
                                              : "the peer closed the connection";
                return {IoResult::Status::failed, 0, false};
            default:
                broken_ = true;
                failure_ = openssl_reason();
                return {IoResult::Status::failed, 0, false};
        }
    }

    std::shared_ptr<TlsContext> context_;
    OwnedDescriptor owned_;
    Socket socket_;
    std::unique_ptr<Negotiation> negotiation_;  ///< during the handshake
    Ssl ssl_;                                   ///< during the handshake, and after it in TLS 1.2
    std::unique_ptr<TlsRecords> records_;       ///< after the handshake in TLS 1.3
    std::string failure_;
    bool established_ = false, broken_ = false;
};

class OpensslContext final : public TlsContext, public std::enable_shared_from_this<OpensslContext> {
  public:
    Result<void> configure(const TlsOptions& options) {
        const TlsPolicy* policy = find_tls_policy(options.security_policy);
        if (policy == nullptr) return Error(CommonErrc::invalid_configuration, "no TLS security policy `" + options.security_policy + "`");
        context_.reset(SSL_CTX_new(TLS_server_method()));
        bio_method_ = make_bio_method();
        SSL_CTX* context = context_.get();
        if (context == nullptr || !bio_method_ ||
            SSL_CTX_set_min_proto_version(context, policy->tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) != 1 ||
            SSL_CTX_set_max_proto_version(context, policy->tls13 ? TLS1_3_VERSION : TLS1_2_VERSION) != 1 ||
            SSL_CTX_set_ciphersuites(context, policy->tls13_suites) != 1 || SSL_CTX_set_cipher_list(context, policy->tls12_ciphers) != 1) {
            return crypto_error("TLS context");
        }
        if (options.strict_server_name) SSL_CTX_set_tlsext_servername_callback(context, check_server_name);
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
        SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_keylog_callback(context, keep_secret);
        SSL_CTX_set_default_read_buffer_len(context, read_ahead_bytes);
        SSL_CTX_set_cert_verify_callback(context, accept_certificate, nullptr);
        SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
        return load(options.certificate_chain_pem, options.private_key_pem);
    }

    Result<std::unique_ptr<Stream>> accept(int descriptor, ClientCertificate client_certificate) override {
        Ssl ssl(SSL_new(context_.get()));
        if (!ssl) {
            const OwnedDescriptor closed(descriptor);
            return crypto_error("TLS connection");
        }
        const bool by_alpn = client_certificate == ClientCertificate::by_alpn;
        if (!by_alpn) SSL_set_verify(ssl.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        auto stream = std::make_unique<TlsStream>(shared_from_this(), std::move(ssl), descriptor);
        if (auto attached = stream->attach(bio_method_.get(), by_alpn); !attached) return attached.error();
        return std::unique_ptr<Stream>(std::move(stream));
    }

  private:
    Result<void> load(const std::string& certificate_chain_pem, const std::string& private_key_pem) {
        const Bio chain(BIO_new_mem_buf(certificate_chain_pem.data(), static_cast<int>(certificate_chain_pem.size())));
        const Bio key_text(BIO_new_mem_buf(private_key_pem.data(), static_cast<int>(private_key_pem.size())));
        const X509Ptr leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
        if (!leaf || SSL_CTX_use_certificate(context_.get(), leaf.get()) != 1) return crypto_error("server certificate");
        while (const X509Ptr next{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)}) {
            if (SSL_CTX_add1_chain_cert(context_.get(), next.get()) != 1) return crypto_error("server certificate chain");
        }
        ERR_clear_error();  // the end of the chain
        const KeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
        if (!key || SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1) return crypto_error("server key");
        return {};
    }

    SslContext context_;
    BioMethod bio_method_;
};

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::create(const TlsOptions& options) {
    ERR_clear_error();
    auto context = std::make_shared<OpensslContext>();
    if (auto configured = context->configure(options); !configured) return configured.error();
    return std::shared_ptr<TlsContext>(std::move(context));
}

}  // namespace fogbank::broker
