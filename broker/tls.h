/// TLS on the descriptor: OpenSSL drives the socket itself. Source: reference "broker", section 3; "fast-brokers"; "clients", section 5.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "broker/stream.h"
#include "common/result.h"

namespace fogbank::broker {

/// ALPN of MQTT with a client certificate.
inline constexpr std::string_view alpn_mqtt = "x-amzn-mqtt-ca";
/// ALPN of HTTPS with a client certificate.
inline constexpr std::string_view alpn_http_certificate = "x-amzn-http-ca";
/// ALPN of MQTT with a custom authorizer.
inline constexpr std::string_view alpn_custom = "mqtt";

struct TlsOptions {
    std::string certificate_chain_pem, private_key_pem;
    std::string security_policy;      ///< a name of common/tls_policy.h
    bool strict_server_name = false;  ///< a name (SNI) that the certificate does not have ends the handshake with unrecognized_name
};

/// The server's certificate and what is negotiated; shared by all connections, immutable. Thread-safe.
///
/// Versions and ciphers are those of an AWS security policy; no session cache, no tickets (AWS has none), no renegotiation; record buffers
/// are given back while idle. A client certificate's key is limited as AWS limits it, its possession is proved by the handshake, but its
/// chain is not verified: the registry judges the certificate by its fingerprint afterwards.
class TlsContext {
  public:
    /// Errors: CommonErrc::crypto_failure with OpenSSL's reason, invalid_configuration for an unknown policy.
    static Result<std::shared_ptr<TlsContext>> create(const TlsOptions& options);
    virtual ~TlsContext() = default;

    /// When a client certificate is asked for, and which protocols are selected from those offered.
    enum class ClientCertificate {
        required,
        /// From those that offer ALPN `x-amzn-mqtt-ca` or `x-amzn-http-ca`: on the port that also serves HTTP and WebSocket some clients
        /// abort when they are asked. Decided in the ClientHello.
        by_alpn,
    };
    /// @param descriptor  a connected non-blocking socket; owned from here on.
    virtual Result<std::unique_ptr<Stream>> accept(int descriptor, ClientCertificate client_certificate) = 0;
};

}  // namespace fogbank::broker
