#include "registry/detail/connection_context.h"

#include <algorithm>

namespace fogbank::registry {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

void set(std::unordered_map<std::string, std::vector<std::string>>& out, std::string_view key, std::vector<std::string> values) {
    out[lower(key)] = std::move(values);
}

}  // namespace

ConnectionContext::ConnectionContext(CertificateId certificate, const PrincipalFacts& principal, const Thing* thing,
                                     const ConnectionFacts& connection, const ArnFactory& arns)
    : certificate_(std::move(certificate)), variables_(principal.variables), thing_(thing), connection_(connection), arns_(arns) {}

const std::vector<std::string>* ConnectionContext::find(std::string_view key) const {
    const std::string name = lower(key);
    const auto look_up = [&name, this](std::optional<Values>& values, Values (ConnectionContext::*make)() const) {
        if (!values) values = (this->*make)();
        const auto found = values->find(name);
        return found == values->end() ? nullptr : &found->second;
    };
    if (name.starts_with("iot:connection.")) return look_up(of_thing_, &ConnectionContext::thing_values);
    if (name.starts_with("iot:certificate")) return look_up(of_certificate_, &ConnectionContext::certificate_values);
    return look_up(of_connection_, &ConnectionContext::connection_values);
}

ConnectionContext::Values ConnectionContext::connection_values() const {
    Values out;
    if (!connection_.client_id.empty()) set(out, "iot:ClientId", {connection_.client_id.str()});
    if (!connection_.source_ip.empty()) set(out, "aws:SourceIp", {connection_.source_ip});
    if (!connection_.server_name.empty()) set(out, "iot:DomainName", {connection_.server_name});
    std::vector<std::string> attributes;
    if (connection_.persistent) attributes.emplace_back("PersistentConnect");
    if (!connection_.will_topic.empty()) attributes.emplace_back("LastWill");
    set(out, "iot:ConnectAttributes", std::move(attributes));
    if (!connection_.will_topic.empty()) set(out, "iot:LastWillTopic", {arns_.iot("topic/" + connection_.will_topic)});
    return out;
}

ConnectionContext::Values ConnectionContext::thing_values() const {
    Values out;
    set(out, "iot:Connection.Thing.IsAttached", {thing_ != nullptr ? "true" : "false"});
    if (thing_ == nullptr) return out;
    set(out, "iot:Connection.Thing.ThingName", {thing_->name.str()});
    if (!thing_->type_name.empty()) set(out, "iot:Connection.Thing.ThingTypeName", {thing_->type_name});
    for (const auto& [name, value] : thing_->attributes) set(out, "iot:Connection.Thing.Attributes[" + name + "]", {value});
    return out;
}

/// A name with several values: the bare name is the first, `.0`, `.1` … pick one, `.List` is all of them.
ConnectionContext::Values ConnectionContext::certificate_values() const {
    Values out;
    set(out, "iot:CertificateId", {certificate_.str()});
    std::vector<std::string> available;
    for (const auto& [name, values] : variables_) {
        const std::string key = "iot:Certificate." + name;
        set(out, key, {values.front()});
        available.push_back(key);
        if (name == "SerialNumber") continue;
        for (std::size_t i = 0; i < values.size(); ++i) set(out, key + "." + std::to_string(i), {values[i]});
        set(out, key + ".List", values);
    }
    set(out, "iot:Certificate.AvailableKeys", std::move(available));
    return out;
}

}  // namespace fogbank::registry
