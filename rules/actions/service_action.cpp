#include "rules/actions/service_action.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "rules/errc.h"

namespace fogbank::rules {

void ParameterReader::wrong(std::string why) {
    if (!error_) error_ = Error(Errc::invalid_request, action_ + " action: " + std::move(why));
}

const nlohmann::json* ParameterReader::find(std::string_view name) const {
    const auto found = definition_.parameters.find(name);
    return found == definition_.parameters.end() || found->is_null() ? nullptr : &*found;
}

sql::Template ParameterReader::text(std::string_view name) {
    auto made = template_parameter(definition_, action_, name);
    if (made) return std::move(*made);
    if (!error_) error_ = made.error();
    return {};
}

std::optional<sql::Template> ParameterReader::optional_text(std::string_view name) {
    if (find(name) == nullptr) return std::nullopt;
    return text(name);
}

bool ParameterReader::flag(std::string_view name) {
    const nlohmann::json* found = find(name);
    if (found == nullptr) return false;
    if (!found->is_boolean()) wrong("`" + std::string(name) + "` must be true or false");
    return found->is_boolean() && found->get<bool>();
}

std::string ParameterReader::literal(std::string_view name, std::optional<std::string> fallback) {
    const nlohmann::json* found = find(name);
    if (found != nullptr && found->is_string() && !found->get_ref<const std::string&>().empty()) return found->get<std::string>();
    if (found != nullptr || !fallback) wrong("`" + std::string(name) + "` must be a non-empty string");
    return fallback.value_or("");
}

std::string ParameterReader::choice(std::string_view name, const std::vector<std::string>& choices) {
    std::string given = literal(name, choices[0]);
    if (std::find(choices.begin(), choices.end(), given) == choices.end()) {
        std::string all;
        for (const std::string& one : choices) all += (all.empty() ? "" : ", ") + one;
        wrong("`" + std::string(name) + "` must be one of " + all);
    }
    return given;
}

void ParameterReader::role() {
    if (literal("roleArn").find(":role/") == std::string::npos) wrong("`roleArn` must be the ARN of a role");
}

void ParameterReader::sink(const std::string& service) {
    if (definition_.services.outbox == nullptr || !definition_.services.sinks->has(service))
        wrong("this server does not have that service itself, and no endpoint is configured for it (--sink " + service + "=URL)");
}

void OutboundAction::run(const ActionInput& input, ActionDone done) const {
    OutboundWork work;
    work.action = name_;
    work.failure = failure_;
    auto prepared = prepare(input, work);
    if (prepared) {
        input.outbox.push_back(std::move(work));
        return done(std::nullopt);
    }
    Error error = prepared.error();
    error.message = failure_ + " " + error.message;
    done(ActionFailure{name_, work.resource, std::move(error), false});
}

Result<std::string> payload_of(const ActionInput& input) {
    return input.output.payload(input.message.message());
}

OutboundStep query_step(const std::string& service, const std::string& sign_service, const std::string& path,
                        const FormParameters& parameters) {
    OutboundStep step;
    step.sink = service;
    step.sign_service = sign_service;
    step.url = path;
    step.headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8";
    for (const auto& [name, value] : parameters) step.body += (step.body.empty() ? "" : "&") + name + "=" + percent_encode(value);
    return step;
}

OutboundStep json_step(const std::string& service, std::string_view version, const std::string& target, std::string body) {
    OutboundStep step;
    step.sink = service;
    step.sign_service = service;
    step.url = "/";
    step.headers["content-type"] = "application/x-amz-json-" + std::string(version);
    step.headers["x-amz-target"] = target;
    step.body = std::move(body);
    return step;
}

}  // namespace fogbank::rules
