/// Provisioning templates: what is to be made for one device. Source: AWS IoT Core Developer Guide, "Provisioning templates", "Just-in-time
/// provisioning" (reference "registry", section 11).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "registry/errc.h"

namespace fogbank::registry {

/// The model's bound on a template's body.
inline constexpr std::size_t template_body_bytes_max = 10'240;

using TemplateParameters = std::map<std::string, std::string>;

enum class Override : std::uint8_t { do_nothing, replace, fail, merge };

struct ThingPlan {
    std::string logical_name, name, type_name, billing_group;
    std::map<std::string, std::string> attributes;
    std::vector<std::string> groups;
    Override attributes_override = Override::do_nothing, type_override = Override::do_nothing, groups_override = Override::do_nothing;
};

struct CertificatePlan {
    std::string logical_name;
    std::string certificate_id, csr, pem, ca_pem;  ///< one of the first three
    bool active = true;
    Override status_override = Override::replace;
};

struct PolicyPlan {
    std::string logical_name;
    std::string name, document;  ///< one of the two
};

struct ProvisioningPlan {
    std::optional<ThingPlan> thing;
    std::optional<CertificatePlan> certificate;
    std::vector<PolicyPlan> policies;
    std::string device_configuration = "{}";  ///< JSON object
};

/// Which templates take what. Fleet templates have Mappings, DeviceConfiguration and functions besides Ref.
enum class TemplateKind : std::uint8_t { fleet, jitp, register_thing };

/// Errors: invalid_request, naming what is wrong: JSON, unknown section or type, a property of the wrong type. Parameters are not resolved.
Result<void> check_template(std::string_view body, TemplateKind kind);
/// Resolves parameters and functions. Errors: invalid_request; resource_registration_failure for a parameter without a value.
Result<ProvisioningPlan> expand_template(std::string_view body, TemplateKind kind, const TemplateParameters& parameters);

}  // namespace fogbank::registry
