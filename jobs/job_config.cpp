#include "jobs/job_config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "jobs/errc.h"

namespace fogbank::jobs {
namespace {

using nlohmann::json;

constexpr std::int64_t rate_max = 1000, timeout_minutes_max = 10'080, retries_max = 10, criteria_max = 10;

Error invalid(std::string message) {
    return Error(Errc::invalid_request, std::move(message));
}

const json* member(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::int64_t> integer(const json& object, const char* name, std::int64_t low, std::int64_t high) {
    const json* value = member(object, name);
    if (value == nullptr || !value->is_number_integer() || value->get<std::int64_t>() < low || value->get<std::int64_t>() > high) {
        return invalid(std::string(name) + " must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return value->get<std::int64_t>();
}

Result<std::string> one_of(const json& object, const char* name, std::initializer_list<const char*> values) {
    const std::string text = json_string(object, name);
    if (std::find(values.begin(), values.end(), text) != values.end()) return text;
    return invalid(std::string(name) + " has the unknown value `" + text + "`");
}

Result<void> read_exponential(const json& rate, JobConfig& out) {
    if (!rate.is_object()) return invalid("exponentialRate must be an object");
    JobConfig::Exponential read;
    const auto base = integer(rate, "baseRatePerMinute", 1, rate_max);
    if (!base) return base.error();
    read.base_per_minute = *base;
    const json* factor = member(rate, "incrementFactor");
    if (factor == nullptr || !factor->is_number() || factor->get<double>() < 1.1 || factor->get<double>() > 5) {
        return invalid("incrementFactor must be a number from 1.1 to 5");
    }
    read.factor = factor->get<double>();
    const json* criteria = member(rate, "rateIncreaseCriteria");
    if (criteria == nullptr || !criteria->is_object() || criteria->size() != 1) {
        return invalid("rateIncreaseCriteria must have one of numberOfNotifiedThings and numberOfSucceededThings");
    }
    const bool notified = criteria->contains("numberOfNotifiedThings");
    const auto things = integer(*criteria, notified ? "numberOfNotifiedThings" : "numberOfSucceededThings", 1, INT32_MAX);
    if (!things) return things.error();
    (notified ? read.notified_things : read.succeeded_things) = *things;
    out.exponential = read;
    return {};
}

Result<void> read_rollout(const json& rollout, JobConfig& out) {
    if (!rollout.is_object()) return invalid("jobExecutionsRolloutConfig must be an object");
    if (member(rollout, "maximumPerMinute") != nullptr) {
        const auto maximum = integer(rollout, "maximumPerMinute", 1, rate_max);
        if (!maximum) return maximum.error();
        out.maximum_per_minute = *maximum;
    }
    if (const json* rate = member(rollout, "exponentialRate")) return read_exponential(*rate, out);
    return {};
}

Result<const json*> criteria_of(const json& config, const char* name) {
    const json* list = config.is_object() ? member(config, "criteriaList") : nullptr;
    if (list == nullptr || !list->is_array() || list->empty() || list->size() > criteria_max) {
        return invalid(std::string(name) + " must have a criteriaList of 1 to " + std::to_string(criteria_max) + " objects");
    }
    return list;
}

Result<void> read_abort(const json& config, JobConfig& out) {
    const auto list = criteria_of(config, "abortConfig");
    if (!list) return list.error();
    for (const json& criterion : **list) {
        if (!criterion.is_object()) return invalid("abortConfig.criteriaList must hold objects");
        auto type = one_of(criterion, "failureType", {"FAILED", "REJECTED", "TIMED_OUT", "ALL"});
        if (!type) return type.error();
        if (auto action = one_of(criterion, "action", {"CANCEL"}); !action) return action.error();
        const auto things = integer(criterion, "minNumberOfExecutedThings", 1, INT32_MAX);
        if (!things) return things.error();
        const json* threshold = member(criterion, "thresholdPercentage");
        if (threshold == nullptr || !threshold->is_number() || threshold->get<double>() <= 0 || threshold->get<double>() > 100) {
            return invalid("thresholdPercentage must be a number above 0, at most 100");
        }
        out.aborts.push_back({std::move(*type), threshold->get<double>(), *things});
    }
    return {};
}

Result<void> read_retries(const json& config, JobConfig& out) {
    const auto list = criteria_of(config, "jobExecutionsRetryConfig");
    if (!list) return list.error();
    for (const json& criterion : **list) {
        if (!criterion.is_object()) return invalid("jobExecutionsRetryConfig.criteriaList must hold objects");
        auto type = one_of(criterion, "failureType", {"FAILED", "TIMED_OUT", "ALL"});
        if (!type) return type.error();
        const auto retries = integer(criterion, "numberOfRetries", 0, retries_max);
        if (!retries) return retries.error();
        out.retries.push_back({std::move(*type), *retries});
    }
    return {};
}

bool type_covers(const std::string& failure_type, Status status) {
    return failure_type == "ALL" ? status == Status::failed || status == Status::rejected || status == Status::timed_out
                                 : failure_type == status_name(status);
}

std::int64_t count(const Job& job, Status status) {
    return job.counts[static_cast<std::size_t>(status)];
}

/// `${aws:iot:parameter:name}` becomes the parameter's value.
Result<std::string> with_parameters(std::string document, const json& parameters) {
    constexpr std::string_view opening = "${aws:iot:parameter:";
    std::string out;
    std::size_t from = 0;
    while (true) {
        const std::size_t at = document.find(opening, from);
        out += document.substr(from, at == std::string::npos ? at : at - from);
        if (at == std::string::npos) return out;
        const std::size_t end = document.find('}', at);
        if (end == std::string::npos) return invalid("the document has a placeholder without an end");
        const std::string name = document.substr(at + opening.size(), end - at - opening.size());
        if (!parameters.is_object() || !parameters.contains(name) || !parameters[name].is_string()) {
            return invalid("documentParameters has no value for `" + name + "`");
        }
        const std::string quoted = parameters[name].dump();
        out += quoted.substr(1, quoted.size() - 2);
        from = end + 1;
    }
}

}  // namespace

std::optional<std::int64_t> JobConfig::rate_per_minute(const Job& job) const {
    if (!exponential) return maximum_per_minute;
    const std::int64_t step = std::max(exponential->notified_things, exponential->succeeded_things);
    const std::int64_t reached = exponential->notified_things > 0 ? job.released : count(job, Status::succeeded);
    const double rate =
        static_cast<double>(exponential->base_per_minute) * std::pow(exponential->factor, static_cast<double>(reached / step));
    return static_cast<std::int64_t>(std::min(rate, static_cast<double>(maximum_per_minute.value_or(rate_max))));
}

bool JobConfig::must_abort(const Job& job) const {
    std::int64_t executed = 0;
    for (const Status status : {Status::succeeded, Status::failed, Status::rejected, Status::timed_out}) executed += count(job, status);
    return std::any_of(aborts.begin(), aborts.end(), [&](const Abort& abort) {
        std::int64_t failures = 0;
        for (const Status status : {Status::failed, Status::rejected, Status::timed_out}) {
            if (type_covers(abort.failure_type, status)) failures += count(job, status);
        }
        return executed >= abort.executed_things_min &&
               static_cast<double>(failures) * 100 >= abort.threshold_percentage * static_cast<double>(executed) && failures > 0;
    });
}

bool JobConfig::retries_left(const Execution& execution, Status failure) const {
    if (failure != Status::failed && failure != Status::timed_out) return false;
    return std::any_of(retries.begin(), retries.end(), [&](const Retry& retry) {
        return type_covers(retry.failure_type, failure) && execution.retry_attempt < retry.retries;
    });
}

Result<JobConfig> parse_config(const json& members) {
    JobConfig out;
    if (const json* rollout = member(members, "jobExecutionsRolloutConfig")) {
        if (auto read = read_rollout(*rollout, out); !read) return read.error();
    }
    if (const json* abort = member(members, "abortConfig")) {
        if (auto read = read_abort(*abort, out); !read) return read.error();
    }
    if (const json* retry = member(members, "jobExecutionsRetryConfig")) {
        if (auto read = read_retries(*retry, out); !read) return read.error();
    }
    if (const json* timeout = member(members, "timeoutConfig")) {
        if (!timeout->is_object()) return invalid("timeoutConfig must be an object");
        const auto minutes = integer(*timeout, "inProgressTimeoutInMinutes", 1, timeout_minutes_max);
        if (!minutes) return minutes.error();
        out.timeout_minutes = *minutes;
    }
    return out;
}

JobConfig stored_config(const Job& job) {
    auto members = parse_json(job.config_json);
    if (!members) return {};
    auto config = parse_config(*members);
    return config ? std::move(*config) : JobConfig();
}

Result<json> read_config_members(const json& request) {
    for (const char* not_here : {"documentSource", "namespaceId", "schedulingConfig", "destinationPackageVersions", "presignedUrlConfig"}) {
        if (member(request, not_here) != nullptr) return invalid(std::string(not_here) + " is not supported by this server");
    }
    json out = json::object();
    for (const char* name :
         {"jobExecutionsRolloutConfig", "abortConfig", "jobExecutionsRetryConfig", "timeoutConfig", "documentParameters"}) {
        if (const json* value = member(request, name)) out[name] = *value;
    }
    if (auto config = parse_config(out); !config) return config.error();
    return out;
}

Result<std::string> read_document(const json& request, const Quotas& quotas) {
    const json* document = member(request, "document");
    if (document == nullptr || !document->is_string()) return invalid("a job needs a document");
    const json* parameters = member(request, "documentParameters");
    auto text = with_parameters(document->get<std::string>(), parameters == nullptr ? json() : *parameters);
    if (!text) return text.error();
    if (text->size() > quotas.bytes(Quota::job_document_bytes)) {
        return invalid("the document has " + std::to_string(text->size()) + " bytes, at most " +
                       std::to_string(quotas.bytes(Quota::job_document_bytes)) + " are allowed");
    }
    if (text->find("${aws:iot:s3-presigned-url") != std::string::npos) return invalid("presigned S3 URLs are not supported by this server");
    if (const auto parsed = parse_json(*text, JsonLimits{text->size(), 64}); !parsed) {
        return invalid("The document is not a valid JSON: " + parsed.error().message);
    }
    return text;
}

Result<void> validate_job_id(const std::string& id) {
    const bool fits = !id.empty() && id.size() <= 64 &&
                      std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
    if (fits) return {};
    return invalid("1 validation error detected: Value '" + id +
                   "' at 'jobId' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+");
}

}  // namespace fogbank::jobs
