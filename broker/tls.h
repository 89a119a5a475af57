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

/// The server's certificate and what is negotiated; shared by all connections, immutable. Thread-safe.
///
/// TLS 1.2 and 1.3 with AWS's ciphers; no session cache, no tickets (AWS has none), no renegotiation; record buffers are given back while
/// idle. A client certificate's key is limited as AWS limits it, its possession is proved by the handshake, but its chain is not verified:
/// the registry judges the certificate by its fingerprint afterwards.
class TlsContext {
  public:
    /// Errors: CommonErrc::crypto_failure with OpenSSL's reason.
    static Result<std::shared_ptr<TlsContext>> create(const std::string& certificate_chain_pem, const std::string& private_key_pem);
    virtual ~TlsContext() = default;

    /// When a client certificate is asked for.
    enum class ClientCertificate {
        required,
        /// Only from those that offer ALPN `x-amzn-mqtt-ca`: on the port that also serves HTTP and WebSocket some clients abort when they
        /// are asked.
        required_for_mqtt_alpn,
    };
    /// @param descriptor  a connected non-blocking socket; owned from here on.
    virtual Result<std::unique_ptr<Stream>> accept(int descriptor, ClientCertificate client_certificate) = 0;
};

}  // namespace fogbank::broker
