/// The server side of TLS for the HTTP ports.
#pragma once

#include <memory>
#include <string>

#include "api/http_connection.h"
#include "common/result.h"

namespace fogbank::api {

/// TLS 1.2 and 1.3 with the given certificate. In mode mutual_tls a client certificate is required, but its chain is not judged here: the
/// registry knows which certificates are registered. ALPN: `http/1.1` is selected if offered; other offers are let pass without a
/// selection, since some clients offer names of their own on every port (reference "clients", section 5). Errors:
/// CommonErrc::crypto_failure.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const std::string& certificate_chain_pem,
                                                                    const std::string& private_key_pem, ListenerMode mode);

}  // namespace fogbank::api
