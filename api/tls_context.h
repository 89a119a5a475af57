/// The server side of TLS for the HTTP ports.
#pragma once

#include <memory>
#include <string>

#include "api/http_connection.h"
#include "api/http_server.h"
#include "common/result.h"

namespace fogbank::api {

/// TLS 1.2 and 1.3 with the server's certificate. In mode mutual_tls versions and ciphers are those of the security policy, there
/// are no session tickets, and a client certificate is required, but its chain is not judged here: the registry knows which certificates
/// are registered. ALPN: `http/1.1` is selected if offered; other offers are let pass without a selection, since some clients offer names
/// of their own on every port (reference "clients", section 5). Errors: CommonErrc::crypto_failure,
/// invalid_configuration for an unknown policy.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const ApiOptions& options, ListenerMode mode);

}  // namespace fogbank::api
