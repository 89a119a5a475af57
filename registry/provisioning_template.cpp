#include "registry/provisioning_template.h"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "registry/detail/template_value.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;

/// Resources, resource, properties, property, a function in a function …: more levels than any template that means well.
constexpr std::size_t depth_max = 24;
constexpr std::size_t resources_max = 20;

Error wrong(std::string text) {
    return Error(Errc::invalid_request, std::move(text));
}

Result<json> parse(std::string_view body, TemplateKind kind) {
    if (body.size() > template_body_bytes_max) return wrong("The template body has more than 10240 bytes");
    auto root = parse_json(body, {template_body_bytes_max, depth_max});
    if (!root) return wrong("The template body is not valid JSON: " + root.error().message);
    if (!root->is_object()) return wrong("The template body must be a JSON object");
    for (const auto& [name, section] : root->items()) {
        const bool of_fleet = name == "Mappings" || name == "DeviceConfiguration";
        const bool known = name == "Parameters" || name == "Resources" || (of_fleet && kind == TemplateKind::fleet);
        if (!known) return wrong("Unknown section in the template: " + name);
        if (!section.is_object()) return wrong("Section " + name + " must be an object");
    }
    const auto resources = root->find("Resources");
    if (resources == root->end() || resources->empty()) return wrong("The template has no Resources");
    if (resources->size() > resources_max) return wrong("The template has more than 20 resources");
    return root;
}

/// Declared parameters without a value get their default. Errors: a declared one that has neither.
Result<TemplateParameters> resolve_parameters(const json& root, const TemplateParameters& given) {
    TemplateParameters out = given;
    const auto declared = root.find("Parameters");
    if (declared == root.end()) return out;
    for (const auto& [name, declaration] : declared->items()) {
        if (!declaration.is_object() || json_string(declaration, "Type") != "String")
            return wrong("Parameter " + name + " must have the type String");
        const auto fallback = declaration.find("Default");
        if (out.contains(name) || fallback == declaration.end()) continue;
        if (!fallback->is_string()) return wrong("The default of parameter " + name + " must be a string");
        out[name] = fallback->get<std::string>();
    }
    for (const auto& [name, declaration] : declared->items()) {
        if (!out.contains(name)) return Error(Errc::resource_registration_failure, "Parameter " + name + " of the template has no value");
    }
    return out;
}

/// Collects one resource's properties; the first thing wrong stays.
class Properties {
  public:
    Properties(const json& resource, std::string name, const TemplateValues& values)
        : values_(values), name_(std::move(name)), properties_(resource.value("Properties", json::object())) {
        if (!properties_.is_object()) error_ = wrong("Properties of " + name_ + " must be an object");
        overrides_ = resource.value("OverrideSettings", json::object());
        if (!overrides_.is_object()) error_ = wrong("OverrideSettings of " + name_ + " must be an object");
    }

    std::string text(const char* member) {
        const json* value = find(member);
        if (value == nullptr) return {};
        auto resolved = values_.text(*value);
        if (!resolved) return fail(resolved.error());
        return std::move(*resolved);
    }
    std::map<std::string, std::string> map(const char* member) {
        std::map<std::string, std::string> out;
        const json* value = find(member);
        if (value == nullptr) return out;
        if (!value->is_object()) {
            fail(wrong(std::string(member) + " of " + name_ + " must be an object"));
            return out;
        }
        for (const auto& [key, one] : value->items()) {
            auto resolved = values_.text(one);
            if (!resolved) {
                fail(resolved.error());
                return out;
            }
            out[key] = std::move(*resolved);
        }
        return out;
    }
    std::vector<std::string> list(const char* member) {
        const json* value = find(member);
        if (value == nullptr) return {};
        auto resolved = values_.list(*value);
        if (resolved) return std::move(*resolved);
        fail(resolved.error());
        return {};
    }
    Override override_of(const char* member, Override fallback) {
        const std::string text = json_string(overrides_, member);
        if (text.empty()) return fallback;
        if (text == "DO_NOTHING") return Override::do_nothing;
        if (text == "REPLACE") return Override::replace;
        if (text == "FAIL") return Override::fail;
        if (text == "MERGE") return Override::merge;
        fail(wrong("Unknown override setting " + text + " of " + name_));
        return fallback;
    }
    /// Errors also for properties that the type does not have.
    Result<void> finish(std::initializer_list<std::string_view> known) {
        for (const auto& [name, value] : properties_.items()) {
            if (std::find(known.begin(), known.end(), name) == known.end() && !error_)
                error_ = wrong("Unknown property " + name + " of " + name_);
        }
        if (error_) return *error_;
        return {};
    }

  private:
    const json* find(const char* member) const {
        const auto found = properties_.is_object() ? properties_.find(member) : properties_.end();
        return found == properties_.end() ? nullptr : &*found;
    }
    std::string fail(Error error) {
        if (!error_) error_ = std::move(error);
        return {};
    }

    const TemplateValues& values_;
    std::string name_;
    json properties_, overrides_;
    std::optional<Error> error_;
};

Result<void> plan_thing(const std::string& name, const json& resource, const TemplateValues& values, ProvisioningPlan& plan) {
    if (plan.thing) return wrong("The template has more than one thing");
    Properties properties(resource, name, values);
    ThingPlan& thing = plan.thing.emplace();
    thing.logical_name = name;
    thing.name = properties.text("ThingName");
    thing.type_name = properties.text("ThingTypeName");
    thing.billing_group = properties.text("BillingGroup");
    thing.attributes = properties.map("AttributePayload");
    thing.groups = properties.list("ThingGroups");
    thing.attributes_override = properties.override_of("AttributePayload", Override::do_nothing);
    thing.type_override = properties.override_of("ThingTypeName", Override::do_nothing);
    thing.groups_override = properties.override_of("ThingGroups", Override::do_nothing);
    if (auto done = properties.finish({"ThingName", "ThingTypeName", "BillingGroup", "AttributePayload", "ThingGroups"}); !done)
        return done;
    if (thing.name.empty()) return wrong("Thing " + name + " has no ThingName");
    return {};
}

Result<void> plan_certificate(const std::string& name, const json& resource, const TemplateValues& values, TemplateKind kind,
                              ProvisioningPlan& plan) {
    if (plan.certificate) return wrong("The template has more than one certificate");
    Properties properties(resource, name, values);
    CertificatePlan& certificate = plan.certificate.emplace();
    certificate.logical_name = name;
    certificate.certificate_id = properties.text("CertificateId");
    certificate.csr = properties.text("CertificateSigningRequest");
    certificate.pem = properties.text("CertificatePem");
    certificate.ca_pem = properties.text("CACertificatePem");
    const std::string status = properties.text("Status");
    certificate.status_override = properties.override_of("Status", Override::replace);
    if (auto done = properties.finish(
            {"CertificateId", "CertificateSigningRequest", "CertificatePem", "CACertificatePem", "Status", "ThingPrincipalType"});
        !done)
        return done;
    // Templates in use say `Status: Active` and `ACTIVE`.
    std::string upper = status;
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (!upper.empty() && upper != "ACTIVE" && upper != "INACTIVE")
        return wrong("Certificate status must be ACTIVE or INACTIVE, not " + status);
    certificate.active = upper != "INACTIVE";
    const int sources = !certificate.certificate_id.empty() + !certificate.csr.empty() + !certificate.pem.empty();
    if (sources != 1) return wrong("Certificate " + name + " needs one of CertificateId, CertificateSigningRequest and CertificatePem");
    if (kind != TemplateKind::register_thing && certificate.certificate_id.empty())
        return wrong("Certificate " + name + " of this kind of template must have a CertificateId");
    return {};
}

Result<void> plan_policy(const std::string& name, const json& resource, const TemplateValues& values, ProvisioningPlan& plan) {
    Properties properties(resource, name, values);
    PolicyPlan& policy = plan.policies.emplace_back();
    policy.logical_name = name;
    policy.name = properties.text("PolicyName");
    policy.document = properties.text("PolicyDocument");
    if (auto done = properties.finish({"PolicyName", "PolicyDocument"}); !done) return done;
    if (policy.name.empty() == policy.document.empty()) return wrong("Policy " + name + " needs either PolicyName or PolicyDocument");
    return {};
}

Result<void> plan_resource(const std::string& name, const json& resource, const TemplateValues& values, TemplateKind kind,
                           ProvisioningPlan& plan) {
    if (!resource.is_object()) return wrong("Resource " + name + " must be an object");
    for (const auto& [member, unused] : resource.items()) {
        if (member != "Type" && member != "Properties" && member != "OverrideSettings")
            return wrong("Unknown element " + member + " of resource " + name);
    }
    const std::string type = json_string(resource, "Type");
    if (type == "AWS::IoT::Thing") return plan_thing(name, resource, values, plan);
    if (type == "AWS::IoT::Certificate") return plan_certificate(name, resource, values, kind, plan);
    if (type == "AWS::IoT::Policy") return plan_policy(name, resource, values, plan);
    return wrong("Unknown type " + type + " of resource " + name);
}

Result<std::string> device_configuration(const json& root, const TemplateValues& values) {
    json out = json::object();
    const auto section = root.find("DeviceConfiguration");
    if (section == root.end()) return out.dump();
    for (const auto& [key, value] : section->items()) {
        if (value.is_boolean() || value.is_number()) {
            out[key] = value;
            continue;
        }
        auto resolved = values.text(value);
        if (!resolved) return resolved.error();
        out[key] = *resolved;
    }
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<ProvisioningPlan> plan_all(const json& root, TemplateKind kind, const TemplateParameters& parameters, bool any_parameter) {
    const json mappings = root.value("Mappings", json::object());
    const TemplateValues values(parameters, mappings, kind == TemplateKind::fleet, any_parameter);
    ProvisioningPlan plan;
    for (const auto& [name, resource] : root.at("Resources").items()) {
        if (auto done = plan_resource(name, resource, values, kind, plan); !done) return done.error();
    }
    if (!plan.policies.empty() && !plan.certificate) return wrong("A template with policies needs a certificate");
    auto configuration = device_configuration(root, values);
    if (!configuration) return configuration.error();
    plan.device_configuration = std::move(*configuration);
    return plan;
}

}  // namespace

Result<void> check_template(std::string_view body, TemplateKind kind) {
    const auto root = parse(body, kind);
    if (!root) return root.error();
    // Every parameter stands for some text: what is wrong besides is wrong for every device.
    if (auto plan = plan_all(*root, kind, {}, true); !plan) return plan.error();
    return {};
}

Result<ProvisioningPlan> expand_template(std::string_view body, TemplateKind kind, const TemplateParameters& parameters) {
    const auto root = parse(body, kind);
    if (!root) return root.error();
    const auto resolved = resolve_parameters(*root, parameters);
    if (!resolved) return resolved.error();
    return plan_all(*root, kind, *resolved, false);
}

}  // namespace fogbank::registry
