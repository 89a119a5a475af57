#include "registry/detail/validation.h"

#include <algorithm>

#include "common/encoding.h"

namespace fogbank::registry {
namespace {

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_lower_or_upper_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Longer values are cut in messages.
constexpr std::size_t shown_bytes_max = 256;
constexpr std::size_t csr_bytes_max = 4096;
constexpr std::size_t attribute_name_bytes_max = 128;
constexpr std::size_t attribute_value_bytes_max = 800;
constexpr std::int64_t page_items_max = 250;

}  // namespace

/// A member's pattern: its characters, its length and the regular expression that AWS quotes.
struct Validation::Rule {
    std::string_view member;
    std::size_t bytes_min, bytes_max;
    std::string_view others;  ///< allowed besides letters and digits
    std::string_view pattern;
};

void Validation::fault(std::string_view member, std::string_view value, std::string_view constraint) {
    // The value goes into a JSON message: what is not UTF-8 is not shown.
    const std::string_view shown = is_valid_utf8(value) ? value : std::string_view("(not UTF-8)");
    std::string text =
        "Value '" + std::string(shown.substr(0, shown_bytes_max)) + "' at '" + std::string(member) + "' failed to satisfy constraint: ";
    if (!is_valid_utf8(text)) text = "Value at '" + std::string(member) + "' failed to satisfy constraint: ";  // cut inside a character
    faults_.push_back(text + std::string(constraint));
}

void Validation::check(const Rule& rule, std::string_view value) {
    if (value.size() > rule.bytes_max)
        fault(rule.member, value, "Member must have length less than or equal to " + std::to_string(rule.bytes_max));
    if (value.size() < rule.bytes_min)
        fault(rule.member, value, "Member must have length greater than or equal to " + std::to_string(rule.bytes_min));
    const bool fits = std::all_of(value.begin(), value.end(),
                                  [&](char c) { return is_alphanumeric(c) || rule.others.find(c) != std::string_view::npos; });
    if (!fits) fault(rule.member, value, "Member must satisfy regular expression pattern: " + std::string(rule.pattern));
}

Validation& Validation::thing_name(const ThingName& name) {
    check({"thingName", 1, 128, ":_-", "[a-zA-Z0-9:_-]+"}, name.view());
    return *this;
}

Validation& Validation::policy_name(const PolicyName& name) {
    check({"policyName", 1, 128, "_+=,.@-", "[\\w+=,.@-]+"}, name.view());
    return *this;
}

Validation& Validation::type_name(std::string_view name) {
    if (!name.empty()) check({"thingTypeName", 1, 128, ":_-", "[a-zA-Z0-9:_-]+"}, name);
    return *this;
}

Validation& Validation::billing_group_name(std::string_view name) {
    if (!name.empty()) check({"billingGroupName", 1, 128, ":_-", "[a-zA-Z0-9:_-]+"}, name);
    return *this;
}

Validation& Validation::thing_group_name(std::string_view value) {
    return name("thingGroupName", value);
}

Validation& Validation::name(std::string_view member, std::string_view name) {
    check({member, 1, 128, ":_-", "[a-zA-Z0-9:_-]+"}, name);
    return *this;
}

Validation& Validation::text(std::string_view member, std::string_view value, std::size_t bytes_max) {
    if (value.size() > bytes_max) fault(member, value, "Member must have length less than or equal to " + std::to_string(bytes_max));
    return *this;
}

Validation& Validation::require(bool holds, std::string_view member, std::string_view value, std::string_view constraint) {
    if (!holds) fault(member, value, constraint);
    return *this;
}

Validation& Validation::tags(const std::map<std::string, std::string>& tags) {
    for (const auto& [key, value] : tags) {
        require(!key.empty(), "tags.Key", key, "Member must have length greater than or equal to 1");
        text("tags.Key", key, 128);
        text("tags.Value", value, 256);
        require(!key.starts_with("aws:"), "tags.Key", key, "Member must not begin with aws:");
    }
    return *this;
}

Validation& Validation::certificate_id(const CertificateId& id) {
    const std::string_view digits = id.view().starts_with("0x") ? id.view().substr(2) : id.view();
    const bool fits = std::all_of(digits.begin(), digits.end(), is_lower_or_upper_hex);
    if (id.view().size() < 64) fault("certificateId", id.view(), "Member must have length greater than or equal to 64");
    if (id.view().size() > 64) fault("certificateId", id.view(), "Member must have length less than or equal to 64");
    if (!fits) fault("certificateId", id.view(), "Member must satisfy regular expression pattern: (0x)?[a-fA-F0-9]+");
    return *this;
}

Validation& Validation::policy_version_id(std::string_view id) {
    // A version number beyond 64 bits names no version, but it is well-formed; its length is bounded all the same.
    constexpr std::size_t digits_max = 64;
    const bool fits =
        !id.empty() && id.size() <= digits_max && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!fits) fault("policyVersionId", id, "Member must satisfy regular expression pattern: [0-9]+");
    return *this;
}

Validation& Validation::attributes(const std::map<std::string, std::string>& attributes) {
    for (const auto& [name, value] : attributes) {
        check({"attributePayload.attributes", 1, attribute_name_bytes_max, "_.,@/:#-", "[a-zA-Z0-9_.,@/:#-]+"}, name);
        check({"attributePayload.attributes." + name, 0, attribute_value_bytes_max, "_.,@/:#=[]-", "[a-zA-Z0-9_.,@/:#=\\[\\]-]*"}, value);
    }
    return *this;
}

Validation& Validation::certificate_signing_request(std::string_view pem) {
    if (pem.empty()) fault("certificateSigningRequest", pem, "Member must have length greater than or equal to 1");
    if (pem.size() > csr_bytes_max) fault("certificateSigningRequest", pem, "Member must have length less than or equal to 4096");
    return *this;
}

Validation& Validation::page(const PageRequest& page, std::string_view member) {
    const std::string value = std::to_string(page.items_max);
    if (page.items_max < 1) fault(member, value, "Member must have value greater than or equal to 1");
    if (page.items_max > page_items_max) fault(member, value, "Member must have value less than or equal to 250");
    return *this;
}

Result<void> Validation::result() const {
    if (faults_.empty()) return {};
    std::string text =
        std::to_string(faults_.size()) + (faults_.size() == 1 ? " validation error detected: " : " validation errors detected: ");
    for (std::size_t i = 0; i < faults_.size(); ++i) text += (i == 0 ? "" : "; ") + faults_[i];
    return Error(Errc::invalid_request, std::move(text));
}

}  // namespace fogbank::registry
