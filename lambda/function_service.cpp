#include "lambda/function_service.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>

#include "common/logging.h"
#include "common/stay_awake.h"
#include "lambda/detail/service.h"
#include "lambda/function_validation.h"
#include "lambda/limits.h"
#include "lambda/runtime.h"
#include "store/kv/key.h"

namespace fogbank::lambda {
namespace detail {
namespace {

/// How long a process is kept for the next invocation.
constexpr std::chrono::minutes warm_time{10};
/// How long a caller's loop looks for a quick function's answer before it sleeps.
constexpr std::chrono::microseconds quick_answer_limit{20};

long peak_memory_mb() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

/// Asynchronous attempts at the same time: as many as keep the cores busy when functions wait for something most of their time.
std::size_t attempts_max(const FunctionService::Dependencies& dependencies) {
    return std::min(std::max<std::size_t>(dependencies.threads_max, 1), 8 * std::max<std::size_t>(dependencies.threads, 1));
}

}  // namespace

Error shutting_down() {
    return {Errc::unavailable, "the server is shutting down"};
}
Error store_error(const Error& error) {
    return {Errc::unavailable, error.message};
}

std::optional<std::uint64_t> version_number(std::string_view version) {
    std::uint64_t number = 0;
    const auto read = std::from_chars(version.data(), version.data() + version.size(), number);
    if (version.empty() || read.ec != std::errc() || read.ptr != version.data() + version.size()) return std::nullopt;
    return number;
}

Service::Service(Dependencies dependencies, const InvocationPolicy& policy)
    : dependencies_(std::move(dependencies)),
      policy_(policy),
      code_store_(std::make_shared<const CodeStore>(dependencies_.folder)),
      timers_(dependencies_.clock, policy.timer_tick),
      services_(make_services()),
      starter_(std::make_shared<ProcessStarter>(dependencies_, threads_.io())),
      invoker_(dependencies_.threads, dependencies_.threads_max,
               dependencies_.metrics.gauge("fogbank_lambda_busy_threads", "Function threads inside a handler.")),
      queue_(queue_dependencies(), policy_, attempts_max(dependencies_),
             [this](const QueueEntry& entry, InvocationQueue::Report report) { return start_attempt(entry, std::move(report)); }),
      event_sources_({*this, dependencies_.engine, dependencies_.streams, dependencies_.clock, dependencies_.random, timers_,
                      dependencies_.metrics, dependencies_.arns, policy_.streams}) {
    sweep_later();
}

Service::~Service() {
    // Without stop: as after a crash, what finished but was not erased runs again.
    if (!stopped_) shut_down(std::chrono::milliseconds(0), false);
}

InvocationQueue::Dependencies Service::queue_dependencies() {
    return {dependencies_.engine,
            dependencies_.clock,
            dependencies_.random,
            dependencies_.metrics,
            timers_,
            threads_.io(),
            [this](const FunctionReference& function) { return retry_plan(function); },
            [this](const QueueEntry& entry, InvocationQueue::Ending ending, UniqueFunction<void(bool)> then) {
                settled(entry, std::move(ending), std::move(then));
            }};
}

std::shared_ptr<InvocationServices> Service::make_services() {
    Metrics& metrics = dependencies_.metrics;
    return std::shared_ptr<InvocationServices>(new InvocationServices{
        dependencies_.tables, dependencies_.publisher, dependencies_.clock, timers_, threads_.io(),
        metrics.counter("fogbank_lambda_invocations_total", "Function invocations begun, every attempt counted."),
        metrics.counter("fogbank_lambda_errors_total", "Function invocations that ended with a function error."),
        metrics.counter("fogbank_lambda_timeouts_total", "Function invocations that exceeded their time."),
        [this](const FunctionPtr& function) { code_replaced(function); }, [this](const FunctionPtr& function) { return current(function); },
        nullptr, nullptr, nullptr, peak_memory_mb(), dependencies_.arns, dependencies_.partition_key_of, dependencies_.random.uuid()});
}

std::optional<FunctionEntry> Service::find(const FunctionName& name) const {
    const std::shared_lock lock(functions_mutex_);
    const auto found = functions_.find(name);
    return found == functions_.end() ? std::nullopt : std::optional(found->second);
}

Error Service::not_found(const FunctionName& name, std::string_view qualifier) const {
    std::string text = "Function not found: " + dependencies_.arns.function(name);
    if (!qualifier.empty()) text += ":" + std::string(qualifier);
    return {Errc::resource_not_found, std::move(text)};
}

/// The object that stands for the same version now.
FunctionPtr Service::current(const FunctionPtr& function) const {
    const auto record = function->record();
    if (record->configuration.version != latest_version) return function;
    const std::shared_lock lock(functions_mutex_);
    const auto found = functions_.find(record->configuration.name);
    return found == functions_.end() ? nullptr : found->second.latest;
}

Result<Service::Resolved> Service::resolve(const FunctionReference& function) const {
    Resolved out{nullptr, nullptr, dependencies_.arns.function(function.name)};
    if (function.qualifier.empty()) {
        const std::shared_lock lock(functions_mutex_);
        const auto found = functions_.find(function.name);
        if (found == functions_.end()) return not_found(function.name);
        out.function = found->second.latest;
        out.gate = found->second.gate;
        return out;
    }
    const auto entry = find(function.name);
    if (!entry) return not_found(function.name, function.qualifier);
    out.function = entry->latest;
    out.gate = entry->gate;
    out.arn += ":" + function.qualifier;
    std::string version = function.qualifier;
    if (const auto alias = entry->meta->aliases.find(version); alias != entry->meta->aliases.end()) {
        version = alias->second.function_version;
        // A share of the invocations goes to another version.
        for (const auto& [other, weight] : alias->second.routing) {
            if (static_cast<double>(dependencies_.random.number() % 1'000'000) < weight * 1'000'000) version = other;
        }
        if (version == latest_version) return out;
    }
    const auto number = version_number(version);
    const auto found = number ? entry->versions.find(*number) : entry->versions.end();
    if (found == entry->versions.end()) return not_found(function.name, function.qualifier);
    out.function = found->second;
    return out;
}

template <class Visit>
asio::awaitable<Result<void>> Service::scan_all(store::kv::Range range, Visit visit) {
    store::kv::ScanOptions options;
    options.range = std::move(range);
    bool more = true;
    while (more) {
        const auto page = co_await dependencies_.engine.scan(options);
        if (!page) co_return store_error(page.error());
        for (const auto& item : page->items) {
            if (!visit(item)) logger("lambda").error("a stored function cannot be read and is left out bytes={}", item.value.size());
        }
        more = page->more && !page->items.empty();
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    co_return Result<void>();
}

asio::awaitable<Result<void>> Service::load() {
    const auto take_latest = [this](const store::kv::KeyValue& item) {
        auto record = decode_function_record(item.value);
        if (!record) return false;
        const FunctionName name = record->configuration.name;
        functions_[name].latest = std::make_shared<Function>(std::move(*record), code_store_, starter_);
        return true;
    };
    const auto take_version = [this](const store::kv::KeyValue& item) {
        auto record = decode_function_record(item.value);
        const auto number = record ? version_number(record->configuration.version) : std::nullopt;
        if (!number) return false;
        const auto found = functions_.find(record->configuration.name);
        if (found == functions_.end()) return true;
        found->second.versions[*number] = std::make_shared<Function>(std::move(*record), code_store_, starter_);
        return true;
    };
    const auto take_meta = [this](const store::kv::KeyValue& item) {
        store::kv::KeyReader key(item.key);
        key.text();
        const auto name = key.text();
        auto meta = decode_function_meta(item.value);
        if (!name || !meta) return false;
        const auto found = functions_.find(FunctionName(*name));
        if (found == functions_.end()) return true;
        found->second.gate->set_limit(meta->reserved_concurrency);
        found->second.meta = std::make_shared<const FunctionMeta>(std::move(*meta));
        return true;
    };
    auto read = co_await scan_all(function_keys(), take_latest);
    if (read) read = co_await scan_all(function_version_keys(), take_version);
    if (read) read = co_await scan_all(function_meta_keys(), take_meta);
    if (!read) co_return read;
    for (const auto& [name, entry] : functions_) code_store_->keep_only(name, {entry.latest->record()->object_sha256});
    co_return co_await event_sources_.load();
}

Result<std::unique_ptr<Service::NameClaim>> Service::claim(const FunctionName& name) {
    const std::unique_lock lock(functions_mutex_);
    if (!busy_names_.insert(name).second) {
        return Error(Errc::resource_conflict, "The operation cannot be performed at this time. An update is in progress for resource: " +
                                                  dependencies_.arns.function(name));
    }
    return std::make_unique<NameClaim>(*this, name);
}

Awaitable<FunctionConfiguration> Service::get_function(FunctionName name) {
    const auto entry = find(name);
    if (!entry) co_return not_found(name);
    co_return entry->latest->record()->configuration;
}

Awaitable<std::vector<FunctionConfiguration>> Service::list_functions() {
    std::vector<FunctionConfiguration> all;
    const std::shared_lock lock(functions_mutex_);
    all.reserve(functions_.size());
    for (const auto& [name, entry] : functions_) all.push_back(entry.latest->record()->configuration);
    co_return all;
}

void Service::start(Surroundings surroundings) {
    services_->shadow_exception = surroundings.shadow_exception;
    services_->shadows = surroundings.shadows;
    services_->logs = surroundings.logs;
    services_->role_access = surroundings.role_access;
    starter_->set_surroundings(std::move(surroundings));
    queue_.start();
    event_sources_.start();
}

Awaitable<InvocationResult> Service::invoke(FunctionName name, std::string event) {
    InvokeRequest request;
    request.function.name = std::move(name);
    request.event = std::move(event);
    return invoke(std::move(request));
}

Awaitable<InvocationResult> Service::invoke(InvokeRequest request) {
    if (auto valid = validate_event(request.event, sync_event_bytes_max); !valid) co_return valid.error();
    auto resolved = resolve(request.function);
    if (!resolved) co_return resolved.error();
    if (!resolved->gate->enter()) co_return Error(Errc::too_many_requests, "Rate Exceeded.");
    if (request.event.empty()) request.event = "{}";
    const auto shared = std::make_shared<const std::string>(std::move(request.event));
    InvocationDetails details{std::move(resolved->arn), std::move(request.client_context)};
    const std::string request_id = dependencies_.random.uuid();
    UniqueFunction<void(Invocation::Done)> start = [&, this](Invocation::Done answered) {
        Invocation::Done done = [gate = resolved->gate, answered = std::move(answered)](Result<InvocationResult> result) mutable {
            gate->leave();
            answered(std::move(result));
        };
        const auto invocation =
            std::make_shared<Invocation>(services_, resolved->function, request_id, shared, std::move(details), std::move(done));
        const auto submitted = submit(invocation, Invoker::Source::caller);
        if (!submitted) return invocation->abandon(submitted.error());
        if (*submitted == Invoker::Pickup::at_once && resolved->function->quick())
            stay_awake(std::chrono::steady_clock::now() + quick_answer_limit);
    };
    auto result = co_await wait_for<Result<InvocationResult>>(std::move(start));
    if (result) result->request_id = request_id;
    co_return result;
}

asio::awaitable<Result<FunctionAnswer>> Service::call_function(std::string function, std::string event) {
    auto reference = parse_function_reference(function);
    if (!reference) co_return reference.error();
    InvokeRequest request;
    request.function = std::move(*reference);
    request.event = std::move(event);
    auto result = co_await invoke(std::move(request));
    if (!result) co_return result.error();
    FunctionAnswer answer;
    answer.payload = std::move(result->payload);
    answer.function_error = std::move(result->function_error);
    co_return answer;
}

void Service::invoke_async(FunctionName name, std::string event, store::kv::CommitHandler done) {
    invoke_async(FunctionReference{std::move(name), {}}, std::move(event), std::move(done));
}

void Service::invoke_async(FunctionReference function, std::string event, store::kv::CommitHandler done) {
    if (auto valid = validate_event(event, async_event_bytes_max); !valid) return done(valid.error());
    if (const auto known = resolve(function); !known) return done(known.error());
    if (event.empty()) event = "{}";
    queue_.enqueue(function, std::move(event), std::move(done));
}

InvocationQueue::Started Service::start_attempt(const QueueEntry& entry, InvocationQueue::Report report) {
    auto resolved = resolve({entry.lane->function, entry.qualifier});
    if (!resolved) return InvocationQueue::Started::no_such_function;
    if (!resolved->gate->enter()) return InvocationQueue::Started::throttled;
    Invocation::Done done = [gate = resolved->gate, report = std::move(report)](Result<InvocationResult> result) mutable {
        gate->leave();
        if (!result) return report({InvocationQueue::Outcome::abandoned, {}, {}});
        const bool good = result->function_error.empty();
        report({good ? InvocationQueue::Outcome::succeeded : InvocationQueue::Outcome::failed, std::move(result->payload),
                std::move(result->executed_version)});
    };
    InvocationDetails details{std::move(resolved->arn), {}};
    const auto gate = resolved->gate;
    auto invocation = std::make_shared<Invocation>(services_, std::move(resolved->function), entry.request_id, entry.event,
                                                   std::move(details), std::move(done));
    const auto submitted = submit(std::move(invocation), Invoker::Source::queue);
    if (submitted) return InvocationQueue::Started::yes;
    gate->leave();
    return InvocationQueue::Started::shutting_down;
}

Result<Invoker::Pickup> Service::submit(std::shared_ptr<Invocation> invocation, Invoker::Source source) {
    auto submitted = invoker_.submit(std::move(invocation), source, dependencies_.clock.steady());
    if (submitted && dependencies_.threads_max > dependencies_.threads && !growing_.exchange(true)) grow_later();
    return submitted;
}

/// As long as somebody waits, looks now and then whether a thread is to be added.
void Service::grow_later() {
    timers_.after(Invoker::patience, [this] {
        growing_ = false;
        if (invoker_.grow(dependencies_.clock.steady()) && !growing_.exchange(true)) grow_later();
    });
}

/// Callers do not wait for a free thread for ever.
void Service::sweep_later() {
    timers_.after(std::min<std::chrono::milliseconds>(std::chrono::seconds(1), policy_.thread_wait_max), [this] {
        for (const auto& invocation : invoker_.withdraw(dependencies_.clock.steady() - policy_.thread_wait_max)) {
            invocation->abandon(Error(Errc::too_many_requests, "Rate Exceeded."));
        }
        services_->peak_memory_mb = peak_memory_mb();
        retire_environments();
        sweep_later();
    });
}

/// Processes that nobody needs go after a while.
void Service::retire_environments() {
    std::vector<FunctionPtr> all;
    {
        const std::shared_lock lock(functions_mutex_);
        for (const auto& [name, entry] : functions_) {
            all.push_back(entry.latest);
            for (const auto& [number, version] : entry.versions) all.push_back(version);
        }
    }
    for (const auto& function : all) function->environments().retire(std::chrono::steady_clock::now() - warm_time);
}

void Service::shut_down(std::chrono::milliseconds grace, bool erase_finished) {
    stopped_ = true;
    queue_.stop();
    event_sources_.end();
    invoker_.stop(grace);
    event_sources_.stop();
    timers_.stop();
    for (const auto& [name, entry] : functions_) {
        entry.latest->environments().close();
        for (const auto& [number, version] : entry.versions) version->environments().close();
    }
    if (erase_finished) queue_.flush();
    queue_.wait_until_quiet();
    threads_.stop();
}

}  // namespace detail

Awaitable<std::unique_ptr<FunctionService>> open_function_service(FunctionService::Dependencies dependencies, InvocationPolicy policy) {
    std::error_code failed;
    std::filesystem::create_directories(dependencies.folder, failed);
    if (failed) co_return Error(Errc::unavailable, "`" + dependencies.folder.string() + "`: " + failed.message());
    if (auto written = write_bootstraps(bootstraps_folder(dependencies.folder)); !written) co_return written.error();
    auto service = std::make_unique<detail::Service>(std::move(dependencies), policy);
    if (const auto loaded = co_await service->load(); !loaded) co_return loaded.error();
    co_return std::unique_ptr<FunctionService>(std::move(service));
}

Awaitable<std::unique_ptr<FunctionService>> open_function_service(FunctionService::Dependencies dependencies) {
    return open_function_service(std::move(dependencies), InvocationPolicy());
}

}  // namespace fogbank::lambda
