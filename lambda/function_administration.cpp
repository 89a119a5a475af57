// What belongs to a function beside its code.
#include <spdlog/spdlog.h>

#include "common/logging.h"
#include "lambda/detail/service.h"

namespace fogbank::lambda::detail {

Awaitable<FunctionConfiguration> Service::get_version(FunctionReference function) {
    const auto entry = find(function.name);
    if (!entry) co_return not_found(function.name, function.qualifier);
    if (function.qualifier.empty()) co_return entry->latest->record()->configuration;
    std::string version = function.qualifier;
    if (const auto alias = entry->meta->aliases.find(version); alias != entry->meta->aliases.end())
        version = alias->second.function_version;
    FunctionConfiguration out;
    if (version == latest_version) {
        out = entry->latest->record()->configuration;
    } else {
        const auto number = version_number(version);
        const auto found = number ? entry->versions.find(*number) : entry->versions.end();
        if (found == entry->versions.end()) co_return not_found(function.name, function.qualifier);
        out = found->second->record()->configuration;
    }
    out.arn = dependencies_.arns.function(function.name) + ":" + function.qualifier;
    co_return out;
}

Awaitable<std::vector<FunctionConfiguration>> Service::list_versions(FunctionName name) {
    const auto entry = find(name);
    if (!entry) co_return not_found(name);
    std::vector<FunctionConfiguration> out{entry->latest->record()->configuration};
    out.front().arn += ":" + std::string(latest_version);
    for (const auto& [number, version] : entry->versions) out.push_back(version->record()->configuration);
    co_return out;
}

Awaitable<FunctionMeta> Service::get_meta(FunctionName name) {
    const auto entry = find(name);
    if (!entry) co_return not_found(name);
    co_return *entry->meta;
}

Awaitable<FunctionMeta> Service::change_meta(FunctionName name, MetaChange change) {
    const auto claimed = claim(name);
    if (!claimed) co_return claimed.error();
    const auto entry = find(name);
    if (!entry) co_return not_found(name);
    FunctionMeta meta = *entry->meta;
    std::set<std::uint64_t> versions;
    for (const auto& [number, version] : entry->versions) versions.insert(number);
    if (auto changed = change(meta, versions); !changed) co_return changed.error();
    store::kv::Batch batch;
    batch.preconditions.push_back({function_key(name), store::kv::Precondition::Kind::exists, {}});
    batch.put(function_meta_key(name), encode(meta));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) co_return store_error(stored.error());
    entry->gate->set_limit(meta.reserved_concurrency);
    const std::unique_lock lock(functions_mutex_);
    functions_[name].meta = std::make_shared<const FunctionMeta>(meta);
    co_return meta;
}

RetryPlan Service::retry_plan(const FunctionReference& function) const {
    RetryPlan plan;
    const auto entry = find(function.name);
    if (!entry) return plan;
    const auto found = entry->meta->invoke_configs.find(function.qualifier);
    if (found == entry->meta->invoke_configs.end()) return plan;
    if (const auto& retries = found->second.maximum_retry_attempts) plan.retries_max = static_cast<unsigned>(*retries);
    if (const auto& age = found->second.maximum_event_age_s) plan.age_max = std::chrono::seconds(*age);
    return plan;
}

namespace {

/// Source: Developer Guide, "Configuring destinations for asynchronous invocation".
std::string invocation_record(const QueueEntry& entry, const InvocationQueue::Ending& ending, std::string_view arn, WallTime now) {
    const bool good = ending.outcome == InvocationQueue::Outcome::succeeded;
    JsonObject context;
    context.set("requestId", entry.request_id)
        .set("functionArn", std::string(arn) + ":" + (entry.qualifier.empty() ? std::string(latest_version) : entry.qualifier))
        .set("condition", good ? std::string("Success") : ending.condition)
        .set("approximateInvokeCount", static_cast<std::int64_t>(entry.attempts + 1));
    JsonObject response;
    response.set("statusCode", static_cast<std::int64_t>(200)).set("executedVersion", ending.executed_version);
    if (!good) response.set("functionError", "Unhandled");
    const std::string context_text = context.str();
    const std::string response_text = response.str();
    // What a bootstrap of one's own answered need not be JSON.
    const std::string_view payload = ending.payload.empty() ? std::string_view("null") : ending.payload;
    const bool is_json = detail::JsonChecker(payload).document();
    const std::string quoted = is_json ? std::string() : detail::quoted(payload);
    JsonObject record;
    record.set("version", "1.0")
        .set("timestamp", iso8601(now.time_since_epoch().count()))
        .set("requestContext", JsonView(context_text))
        .set("requestPayload", JsonView(*entry.event))
        .set("responseContext", JsonView(response_text))
        .set("responsePayload", JsonView(is_json ? payload : std::string_view(quoted)));
    return record.str();
}

}  // namespace

/// An event that succeeded or was given up: its destination, if it has one, gets a record, durably, before the event itself goes.
void Service::settled(const QueueEntry& entry, InvocationQueue::Ending ending, UniqueFunction<void(bool)> then) {
    const auto known = find(entry.lane->function);
    if (!known) return then(true);
    const auto config = known->meta->invoke_configs.find(entry.qualifier);
    if (config == known->meta->invoke_configs.end()) return then(true);
    const bool good = ending.outcome == InvocationQueue::Outcome::succeeded;
    const std::string& destination = good ? config->second.on_success : config->second.on_failure;
    auto target = destination.empty() ? Result<FunctionReference>(Error()) : parse_function_reference(destination);
    if (!target) return then(true);
    std::string record = invocation_record(entry, ending, dependencies_.arns.function(entry.lane->function), dependencies_.clock.now());
    invoke_async(std::move(*target), std::move(record),
                 [this, then = std::move(then), function = entry.lane->function](Result<void> accepted) mutable {
                     if (!accepted && stopped_) return then(false);
                     if (!accepted) {
                         logger("lambda").error("the record of an invocation does not reach its destination function={} reason={}",
                                                function.str(), log_value(accepted.error().message));
                     }
                     then(true);
                 });
}

}  // namespace fogbank::lambda::detail
