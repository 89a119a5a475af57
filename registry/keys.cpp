#include "registry/detail/keys.h"

#include "store/kv/key.h"

namespace fogbank::registry::keys {
namespace {

using store::kv::KeyBuilder;
using store::kv::KeyReader;

KeyBuilder in(std::string_view kind) {
    KeyBuilder key("reg");
    key.text(kind);
    return key;
}

/// Times before 1970 do not occur; the sign bit is flipped all the same, so that the order would hold.
std::uint64_t ordered(WallTime at) {
    return static_cast<std::uint64_t>(at.time_since_epoch().count()) ^ (std::uint64_t{1} << 63);
}

KeyReader reader(std::string_view key, const Range& range) {
    // A range of one prefix begins with that prefix.
    KeyReader out(key);
    out.skip(range.begin.size());
    return out;
}

}  // namespace

std::string format() {
    return in("format").str();
}
std::string root_access_key() {
    return in("root-access-key").str();
}

std::string thing(const ThingName& name) {
    return in("thing").text(name.view()).str();
}
Range things() {
    return in("thing").prefix_range();
}

std::string certificate(const CertificateId& id) {
    return in("cert").text(id.view()).str();
}
std::string certificate_by_time(WallTime created, const CertificateId& id) {
    return in("cert-by-time").number(ordered(created)).text(id.view()).str();
}
Range certificates_by_time() {
    return in("cert-by-time").prefix_range();
}
std::string certificate_by_ca(std::string_view ca_id, WallTime created, const CertificateId& id) {
    return in("cert-by-ca").text(ca_id).number(ordered(created)).text(id.view()).str();
}
Range certificates_by_ca(std::string_view ca_id) {
    return in("cert-by-ca").text(ca_id).prefix_range();
}
std::string unclaimed_certificate(WallTime until, const CertificateId& id) {
    return in("cert-unclaimed").number(ordered(until)).text(id.view()).str();
}
Range unclaimed_certificates() {
    return in("cert-unclaimed").prefix_range();
}
std::string outgoing_certificate(WallTime offered, const CertificateId& id) {
    return in("cert-outgoing").number(ordered(offered)).text(id.view()).str();
}
Range outgoing_certificates() {
    return in("cert-outgoing").prefix_range();
}

std::string policy(const PolicyName& name) {
    return in("policy").text(name.view()).str();
}
std::string policy_by_time(WallTime created, const PolicyName& name) {
    return in("policy-by-time").number(ordered(created)).text(name.view()).str();
}
Range policies_by_time() {
    return in("policy-by-time").prefix_range();
}
std::string policy_version(const PolicyName& name, std::uint64_t version) {
    return in("policy-version").text(name.view()).number(version).str();
}
Range policy_versions(const PolicyName& name) {
    return in("policy-version").text(name.view()).prefix_range();
}

std::string thing_principal(const ThingName& thing, std::string_view principal_arn) {
    return in("thing-principal").text(thing.view()).text(principal_arn).str();
}
Range thing_principals(const ThingName& thing) {
    return in("thing-principal").text(thing.view()).prefix_range();
}
std::string principal_thing(std::string_view principal_arn, const ThingName& thing) {
    return in("principal-thing").text(principal_arn).text(thing.view()).str();
}
Range principal_things(std::string_view principal_arn) {
    return in("principal-thing").text(principal_arn).prefix_range();
}
std::string target_policy(std::string_view target, const PolicyName& policy) {
    return in("target-policy").text(target).text(policy.view()).str();
}
Range target_policies(std::string_view target) {
    return in("target-policy").text(target).prefix_range();
}
std::string policy_target(const PolicyName& policy, std::string_view target) {
    return in("policy-target").text(policy.view()).text(target).str();
}
Range policy_targets(const PolicyName& policy) {
    return in("policy-target").text(policy.view()).prefix_range();
}

std::string thing_type(std::string_view name) {
    return in("thing-type").text(name).str();
}
Range thing_types() {
    return in("thing-type").prefix_range();
}
std::string type_thing(std::string_view type, const ThingName& thing) {
    return in("type-thing").text(type).text(thing.view()).str();
}
Range type_things(std::string_view type) {
    return in("type-thing").text(type).prefix_range();
}
std::string thing_group(std::string_view name) {
    return in("group").text(name).str();
}
Range thing_groups() {
    return in("group").prefix_range();
}
std::string group_child(std::string_view parent, std::string_view child) {
    return in("group-child").text(parent).text(child).str();
}
Range group_children(std::string_view parent) {
    return in("group-child").text(parent).prefix_range();
}
std::string group_thing(std::string_view group, const ThingName& thing) {
    return in("group-thing").text(group).text(thing.view()).str();
}
Range group_things(std::string_view group) {
    return in("group-thing").text(group).prefix_range();
}
std::string thing_membership(const ThingName& thing, std::string_view group) {
    return in("thing-group").text(thing.view()).text(group).str();
}
Range thing_memberships(const ThingName& thing) {
    return in("thing-group").text(thing.view()).prefix_range();
}
std::string dynamic_group(std::string_view name) {
    return in("dynamic-group").text(name).str();
}
Range dynamic_groups() {
    return in("dynamic-group").prefix_range();
}
std::string billing_group(std::string_view name) {
    return in("billing-group").text(name).str();
}
Range billing_groups() {
    return in("billing-group").prefix_range();
}
std::string billing_thing(std::string_view group, const ThingName& thing) {
    return in("billing-thing").text(group).text(thing.view()).str();
}
Range billing_things(std::string_view group) {
    return in("billing-thing").text(group).prefix_range();
}
std::string tag(std::string_view arn, std::string_view key) {
    return in("tag").text(arn).text(key).str();
}
Range tags(std::string_view arn) {
    return in("tag").text(arn).prefix_range();
}
std::string setting(std::string_view name) {
    return in("setting").text(name).str();
}
std::string log_level(std::string_view target_type, std::string_view target_name) {
    return in("log-level").text(target_type).text(target_name).str();
}
Range log_levels() {
    return in("log-level").prefix_range();
}
std::string indexed(std::string_view kind, const ThingName& thing, std::string_view name) {
    return in("index").text(kind).text(thing.view()).text(name).str();
}
Range indexed_of(std::string_view kind, const ThingName& thing) {
    return in("index").text(kind).text(thing.view()).prefix_range();
}
Range indexed_all() {
    return in("index").prefix_range();
}

std::string search_term(std::string_view field, std::string_view value, const ThingName& thing) {
    return in("term").text(field).text(value).text(thing.view()).str();
}
Range search_terms(std::string_view field) {
    return in("term").text(field).prefix_range();
}
Range search_term_things(std::string_view field, std::string_view value) {
    return in("term").text(field).text(value).prefix_range();
}

Range with_prefix(const Range& range, std::string_view prefix) {
    // Names have no zero bytes, so a part's beginning is stored as it is.
    Range out;
    out.begin = range.begin + std::string(prefix);
    out.end = prefix.empty() ? range.end : store::kv::prefix_end(out.begin);
    return out;
}

std::string last_part(std::string_view key, const Range& range) {
    return reader(key, range).text().value_or("");
}

ThingName search_term_thing(std::string_view key, std::string_view field) {
    KeyReader rest = reader(key, search_terms(field));
    rest.text();
    return ThingName(rest.text().value_or(""));
}

std::string part_after_time(std::string_view key, const Range& range) {
    KeyReader rest = reader(key, range);
    rest.number();
    return rest.text().value_or("");
}

std::uint64_t last_number(std::string_view key, const Range& range) {
    return reader(key, range).number().value_or(0);
}

}  // namespace fogbank::registry::keys
