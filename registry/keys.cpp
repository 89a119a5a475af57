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

std::string last_part(std::string_view key, const Range& range) {
    return reader(key, range).text().value_or("");
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
