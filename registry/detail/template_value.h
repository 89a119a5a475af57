/// Values in provisioning templates: text, Ref, and the functions of fleet templates. Source: AWS IoT Core Developer Guide, "Provisioning
/// templates", "Intrinsic functions".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "registry/provisioning_template.h"

namespace fogbank::registry {

/// Refers to what it was made from; lives for one expansion.
class TemplateValues {
  public:
    /// @param functions      whether there are functions besides Ref.
    /// @param any_parameter  for checking a template: every parameter has a value.
    TemplateValues(const TemplateParameters& parameters, const nlohmann::json& mappings, bool functions, bool any_parameter)
        : parameters_(parameters), mappings_(mappings), functions_(functions), any_parameter_(any_parameter) {}

    /// Errors: invalid_request for what is no value, resource_registration_failure for a parameter without a value.
    Result<std::string> text(const nlohmann::json& value) const;
    Result<std::vector<std::string>> list(const nlohmann::json& value) const;

  private:
    Result<std::string> parameter(const std::string& name) const;
    Result<std::string> join(const nlohmann::json& arguments) const;
    Result<std::string> select(const nlohmann::json& arguments) const;
    Result<std::string> find_in_map(const nlohmann::json& arguments) const;
    Result<std::vector<std::string>> split(const nlohmann::json& arguments) const;
    Result<std::string> sub(const nlohmann::json& arguments) const;
    Result<std::string> bounded(std::string text) const;

    const TemplateParameters& parameters_;
    const nlohmann::json& mappings_;
    bool functions_, any_parameter_;
};

}  // namespace fogbank::registry
