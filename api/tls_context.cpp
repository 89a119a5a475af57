#include "api/tls_context.h"

#include <openssl/ssl.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/verify_context.hpp>
#include <boost/asio/ssl/verify_mode.hpp>

#include "common/common_errc.h"
#include "common/tls_policy.h"

namespace fogbank::api {
namespace {

namespace asio = boost::asio;

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size, void*) {
    static constexpr std::array<unsigned char, 9> http11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char* selected = nullptr;
    if (SSL_select_next_proto(&selected, out_size, http11.data(), http11.size(), in, in_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

Error failure(std::string_view what, const boost::system::error_code& error) {
    return Error(CommonErrc::crypto_failure, std::string(what) + ": " + error.message());
}

}  // namespace

Result<std::shared_ptr<asio::ssl::context>> make_tls_context(const ApiOptions& options, ListenerMode mode) {
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX* native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_alpn_select_cb(native, select_alpn, nullptr);
    static constexpr std::array<unsigned char, 13> session_context{'f', 'o', 'g', 'b', 'a', 'n', 'k', '-', 'h', 't', 't', 'p', 's'};
    SSL_CTX_set_session_id_context(native, session_context.data(), session_context.size());
    boost::system::error_code error;
    context->use_certificate_chain(asio::buffer(options.certificate_chain_pem), error);
    if (error) return failure("server certificate", error);
    context->use_private_key(asio::buffer(options.private_key_pem), asio::ssl::context::pem, error);
    if (error) return failure("server key", error);
    if (mode != ListenerMode::mutual_tls) return context;
    const TlsPolicy* policy = find_tls_policy(options.security_policy);
    if (policy == nullptr) return Error(CommonErrc::invalid_configuration, "unknown TLS security policy `" + options.security_policy + "`");
    SSL_CTX_set_min_proto_version(native, policy->tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(native, policy->tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_ciphersuites(native, policy->tls13_suites);
    SSL_CTX_set_cipher_list(native, policy->tls12_ciphers);
    SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(native, 0);
    context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, error);
    if (error) return failure("verify mode", error);
    context->set_verify_callback([](bool, asio::ssl::verify_context&) { return true; }, error);
    if (error) return failure("verify callback", error);
    return context;
}

}  // namespace fogbank::api
