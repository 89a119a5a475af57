#include "registry/detail/connection_context.h"

#include <algorithm>

namespace fogbank::registry {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

}  // namespace

ConnectionContext::ConnectionContext(const CertificateId& certificate, const PrincipalFacts& principal, const Thing* thing,
                                     const ConnectionFacts& connection, const ArnFactory& arns) {
    set_connection(connection, arns);
    set_thing(thing);
    set_certificate(certificate, principal.variables);
}

const std::vector<std::string>* ConnectionContext::find(std::string_view key) const {
    const auto found = values_.find(lower(key));
    return found == values_.end() ? nullptr : &found->second;
}

void ConnectionContext::set(std::string_view key, std::vector<std::string> values) {
    values_[lower(key)] = std::move(values);
}

void ConnectionContext::set_connection(const ConnectionFacts& connection, const ArnFactory& arns) {
    if (!connection.client_id.empty()) set("iot:ClientId", {connection.client_id.str()});
    if (!connection.source_ip.empty()) set("aws:SourceIp", {connection.source_ip});
    if (!connection.server_name.empty()) set("iot:DomainName", {connection.server_name});
    std::vector<std::string> attributes;
    if (connection.persistent) attributes.emplace_back("PersistentConnect");
    if (!connection.will_topic.empty()) attributes.emplace_back("LastWill");
    set("iot:ConnectAttributes", std::move(attributes));
    if (!connection.will_topic.empty()) set("iot:LastWillTopic", {arns.iot("topic/" + connection.will_topic)});
}

void ConnectionContext::set_thing(const Thing* thing) {
    set("iot:Connection.Thing.IsAttached", {thing != nullptr ? "true" : "false"});
    if (thing == nullptr) return;
    set("iot:Connection.Thing.ThingName", {thing->name.str()});
    if (!thing->type_name.empty()) set("iot:Connection.Thing.ThingTypeName", {thing->type_name});
    for (const auto& [name, value] : thing->attributes) set("iot:Connection.Thing.Attributes[" + name + "]", {value});
}

/// A name with several values: the bare name is the first, `.0`, `.1` … pick one, `.List` is all of them.
void ConnectionContext::set_certificate(const CertificateId& certificate, const CertificateVariables& variables) {
    set("iot:CertificateId", {certificate.str()});
    std::vector<std::string> available;
    for (const auto& [name, values] : variables) {
        const std::string key = "iot:Certificate." + name;
        set(key, {values.front()});
        available.push_back(key);
        if (name == "SerialNumber") continue;
        for (std::size_t i = 0; i < values.size(); ++i) set(key + "." + std::to_string(i), {values[i]});
        set(key + ".List", values);
    }
    set("iot:Certificate.AvailableKeys", std::move(available));
}

}  // namespace fogbank::registry
