/// The MQTT 5 properties of the republish action. Source: reference "rules-actions", section 5; IoT API reference, "MqttHeaders".
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/message.h"
#include "rules/actions/action.h"

namespace fogbank::rules {

class RepublishHeaders {
  public:
    /// Errors: invalid_request, sql_parse.
    static Result<RepublishHeaders> read(const nlohmann::json& headers, const ActionDefinition& definition);
    /// Errors: evaluation for a value that is no such property.
    Result<std::unique_ptr<const MessageProperties>> properties(const ActionInput& input) const;

  private:
    std::optional<sql::Template> payload_format_indicator_, content_type_, response_topic_, correlation_data_, message_expiry_;
    std::vector<std::pair<sql::Template, sql::Template>> user_properties_;
};

}  // namespace fogbank::rules
