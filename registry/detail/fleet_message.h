/// Requests and answers of fleet provisioning over MQTT, in JSON and CBOR. Source: AWS IoT Core Developer Guide, "Device provisioning MQTT
/// API" (reference "registry", section 12).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "common/message.h"
#include "common/result.h"
#include "registry/provisioning_template.h"

namespace fogbank::registry {

struct FleetRequest {
    enum class Kind : std::uint8_t { create, create_from_csr, provision };
    Kind kind = Kind::create;
    bool cbor = false;
    std::string template_name;  ///< provision only
    std::string topic, client_id, principal_id;
    Qos qos = Qos::at_most_once;
    nlohmann::json body = nlohmann::json::object();
    std::string error;  ///< why the payload cannot be read; then `body` is empty
};

/// Nothing for a topic of no operation.
std::optional<FleetRequest> read_fleet_request(const Message& message);
/// The `parameters` of a request: names and texts. Errors: invalid_request.
Result<TemplateParameters> read_parameters(const nlohmann::json& body);
std::string encode_fleet_body(const nlohmann::json& body, bool cbor);
nlohmann::json rejection(int status, std::string_view code, std::string_view message);
nlohmann::json rejection(const Error& error);

}  // namespace fogbank::registry
