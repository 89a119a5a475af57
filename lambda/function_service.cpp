#include "lambda/function_service.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <thread>

#include "common/encoding.h"
#include "common/logging.h"
#include "lambda/function.h"
#include "lambda/function_record.h"
#include "lambda/function_reference.h"
#include "lambda/function_validation.h"
#include "lambda/invocation.h"
#include "lambda/invocation_policy.h"
#include "lambda/invocation_queue.h"
#include "lambda/invoker.h"
#include "lambda/limits.h"
#include "lambda/process_starter.h"
#include "lambda/runtime.h"
#include "lambda/timers.h"
#include "lambda/zip_archive.h"
#include "store/kv/errc.h"

namespace fogbank::lambda {
namespace {

namespace asio = boost::asio;
using FunctionPtr = std::shared_ptr<Function>;

/// Two threads for what blocks or waits on behalf of functions: loading code, handlers' reads, scans of the queue.
class RoomThreads {
  public:
    RoomThreads() {
        for (auto& thread : threads_) {
            thread = std::thread([this] { io_.run(); });
            pthread_setname_np(thread.native_handle(), "lambda-io");
        }
    }
    ~RoomThreads() { stop(); }
    asio::io_context& io() { return io_; }
    /// Finishes what is under way and joins. Idempotent.
    void stop() {
        guard_.reset();
        for (auto& thread : threads_) {
            if (thread.joinable()) thread.join();
        }
    }

  private:
    asio::io_context io_{2};
    asio::executor_work_guard<asio::io_context::executor_type> guard_ = asio::make_work_guard(io_);
    std::array<std::thread, 2> threads_;
};

/// A completion that takes its value home: posted to the waiting coroutine's executor, which it keeps busy until then. The work travels
/// with the posted task, so that this thread touches the coroutine's loop no more once the task is there: the loop may end with it.
template <class T, class Completion>
UniqueFunction<void(T)> post_home(Completion completion) {
    auto work = asio::prefer(asio::get_associated_executor(completion), asio::execution::outstanding_work.tracked);
    return [work = std::move(work), completion = std::move(completion)](T value) mutable {
        const auto executor = asio::prefer(work, asio::execution::outstanding_work.untracked);
        asio::post(executor, [work = std::move(work), completion = std::move(completion), value = std::move(value)]() mutable {
            completion(std::move(value));
        });
    };
}

/// Waits for what `start` begins; `start` gets a function to call once, on any thread, with the value.
template <class T>
asio::awaitable<T> wait_for(UniqueFunction<void(UniqueFunction<void(T)>)> start) {
    const auto initiate = [](auto&& completion, UniqueFunction<void(UniqueFunction<void(T)>)> begin) {
        begin(post_home<T>(std::forward<decltype(completion)>(completion)));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(initiate, asio::use_awaitable, std::move(start));
}

/// How long a process is kept for the next invocation.
constexpr std::chrono::minutes warm_time{10};

/// Asynchronous attempts at the same time: as many as keep the cores busy when functions wait for something most of their time.
std::size_t attempts_max(const FunctionService::Dependencies& dependencies) {
    return std::min(std::max<std::size_t>(dependencies.threads_max, 1), 8 * std::max<std::size_t>(dependencies.threads, 1));
}

Error shutting_down() {
    return {Errc::unavailable, "the server is shutting down"};
}

/// What the store's refusal means for the caller.
Error store_error(const Error& error) {
    return {Errc::unavailable, error.message};
}

class Service final : public FunctionService {
  public:
    Service(Dependencies dependencies, const InvocationPolicy& policy)
        : dependencies_(std::move(dependencies)),
          policy_(policy),
          code_store_(std::make_shared<const CodeStore>(dependencies_.folder)),
          timers_(dependencies_.clock, policy.timer_tick),
          services_(make_services()),
          starter_(std::make_shared<ProcessStarter>(dependencies_, threads_.io())),
          invoker_(dependencies_.threads, dependencies_.threads_max,
                   dependencies_.metrics.gauge("fogbank_lambda_busy_threads", "Function threads inside a handler.")),
          queue_(queue_dependencies(), policy, attempts_max(dependencies_),
                 [this](const QueueEntry& entry, InvocationQueue::Report report) { return start_attempt(entry, std::move(report)); }) {
        sweep_later();
    }

    ~Service() override {
        // Without stop: as after a crash, what finished but was not erased runs again.
        if (!stopped_) shut_down(std::chrono::milliseconds(0), false);
    }

    asio::awaitable<Result<void>> load();

    Awaitable<FunctionConfiguration> create_function(CreateFunctionRequest request) override;
    Awaitable<FunctionConfiguration> get_function(FunctionName name) override {
        const FunctionPtr function = find(name);
        if (!function) co_return not_found(name);
        co_return function->record()->configuration;
    }
    Awaitable<std::vector<FunctionConfiguration>> list_functions() override {
        std::vector<FunctionConfiguration> all;
        const std::shared_lock lock(functions_mutex_);
        all.reserve(functions_.size());
        for (const auto& [name, function] : functions_) all.push_back(function->record()->configuration);
        co_return all;
    }
    Awaitable<void> delete_function(FunctionName name) override;
    Awaitable<FunctionConfiguration> update_function(UpdateFunctionRequest request) override;

    Awaitable<InvocationResult> invoke(FunctionName name, std::string event) override;
    asio::awaitable<Result<FunctionAnswer>> call_function(std::string function, std::string event) override;
    void invoke_async(FunctionName name, std::string event, store::kv::CommitHandler done) override;

    std::size_t backlog() const override { return queue_.backlog() + invoker_.callers(); }
    void start(Surroundings surroundings) override {
        services_->shadows = surroundings.shadows;
        starter_->set_surroundings(std::move(surroundings));
        queue_.start();
    }
    void stop(std::chrono::milliseconds grace) override {
        if (!stopped_) shut_down(grace, true);
    }

  private:
    /// Keeps a second creation or deletion of the same function out while one is under way.
    class NameClaim {
      public:
        NameClaim(Service& service, FunctionName name) : service_(service), name_(std::move(name)) {}
        ~NameClaim() {
            const std::unique_lock lock(service_.functions_mutex_);
            service_.busy_names_.erase(name_);
        }
        NameClaim(const NameClaim&) = delete;
        NameClaim& operator=(const NameClaim&) = delete;

      private:
        Service& service_;
        const FunctionName name_;
    };

    std::shared_ptr<InvocationServices> make_services();
    InvocationQueue::Dependencies queue_dependencies() {
        return {dependencies_.engine, dependencies_.clock, dependencies_.random, dependencies_.metrics, timers_, threads_.io()};
    }
    FunctionPtr find(const FunctionName& name) const {
        const std::shared_lock lock(functions_mutex_);
        const auto found = functions_.find(name);
        return found == functions_.end() ? nullptr : found->second;
    }
    Error not_found(const FunctionName& name) const {
        return {Errc::resource_not_found, "Function not found: " + dependencies_.arns.function(name)};
    }
    Result<std::unique_ptr<NameClaim>> claim(const FunctionName& name);
    FunctionPtr current(const FunctionPtr& function) const;
    Result<FunctionPtr> install(CreateFunctionRequest request);
    Result<FunctionPtr> prepare(FunctionRecord record, const FunctionCode* code);
    Result<FunctionPtr> install_update(const FunctionRecord& old, UpdateFunctionRequest request);
    Result<void> submit(std::shared_ptr<Invocation> invocation, Invoker::Source source);
    void grow_later();
    asio::awaitable<Result<void>> keep(FunctionPtr function);
    /// Runs `work`, which may block, away from the caller's shard.
    template <class T>
    asio::awaitable<T> on_room_thread(UniqueFunction<T()> work) {
        UniqueFunction<void(UniqueFunction<void(T)>)> start = [this, work = std::move(work)](UniqueFunction<void(T)> done) mutable {
            asio::post(threads_.io(), [work = std::move(work), done = std::move(done)]() mutable { done(work()); });
        };
        return wait_for<T>(std::move(start));
    }
    asio::awaitable<bool> remove_code(FunctionName name) {
        UniqueFunction<bool()> work = [code_store = code_store_, name = std::move(name)] { return code_store->remove(name); };
        return on_room_thread<bool>(std::move(work));
    }
    void code_replaced(const FunctionPtr& function);
    InvocationQueue::Started start_attempt(const QueueEntry& entry, InvocationQueue::Report report);
    void sweep_later();
    void retire_environments();
    void shut_down(std::chrono::milliseconds grace, bool erase_finished);

    Dependencies dependencies_;
    const InvocationPolicy policy_;
    const std::shared_ptr<const CodeStore> code_store_;
    RoomThreads threads_;
    Timers timers_;
    const std::shared_ptr<InvocationServices> services_;
    const std::shared_ptr<ProcessStarter> starter_;
    std::atomic<bool> growing_ = false;  ///< a timer looks whether more function threads are needed
    mutable std::shared_mutex functions_mutex_;
    std::map<FunctionName, FunctionPtr> functions_;
    std::set<FunctionName> busy_names_;
    Invoker invoker_;
    InvocationQueue queue_;
    std::atomic<bool> stopped_ = false;
};

std::shared_ptr<InvocationServices> Service::make_services() {
    Metrics& metrics = dependencies_.metrics;
    return std::shared_ptr<InvocationServices>(
        new InvocationServices{dependencies_.tables, dependencies_.publisher, dependencies_.clock, timers_, threads_.io(),
                               metrics.counter("fogbank_lambda_invocations_total", "Function invocations begun, every attempt counted."),
                               metrics.counter("fogbank_lambda_errors_total", "Function invocations that ended with a function error."),
                               metrics.counter("fogbank_lambda_timeouts_total", "Function invocations that exceeded their time."),
                               [this](const FunctionPtr& function) { code_replaced(function); },
                               [this](const FunctionPtr& function) { return current(function); }});
}

FunctionPtr Service::current(const FunctionPtr& function) const {
    return find(function->record()->configuration.name);
}

asio::awaitable<Result<void>> Service::load() {
    store::kv::ScanOptions options;
    options.range = function_keys();
    bool more = true;
    while (more) {
        const auto page = co_await dependencies_.engine.scan(options);
        if (!page) co_return store_error(page.error());
        for (const auto& item : page->items) {
            auto record = decode_function_record(item.value);
            if (!record) {
                logger("lambda").error("a stored function cannot be read and is left out bytes={}", item.value.size());
                continue;
            }
            const FunctionName name = record->configuration.name;
            code_store_->keep_only(name, {record->object_sha256});
            functions_.emplace(name, std::make_shared<Function>(std::move(*record), code_store_, starter_));
        }
        more = page->more && !page->items.empty();
        if (more) options.range.begin = page->items.back().key + '\0';
    }
    co_return Result<void>();
}

Result<std::unique_ptr<Service::NameClaim>> Service::claim(const FunctionName& name) {
    const std::unique_lock lock(functions_mutex_);
    if (!busy_names_.insert(name).second) {
        return Error(Errc::resource_conflict, "The operation cannot be performed at this time. An update is in progress for resource: " +
                                                  dependencies_.arns.function(name));
    }
    return std::make_unique<NameClaim>(*this, name);
}

/// Unpacks, checks and loads the code. Blocks.
Result<FunctionPtr> Service::install(CreateFunctionRequest request) {
    FunctionRecord record;
    FunctionConfiguration& configuration = record.configuration;
    configuration.arn = dependencies_.arns.function(request.name);
    configuration.name = std::move(request.name);
    configuration.runtime = std::move(request.runtime);
    configuration.role = std::move(request.role);
    configuration.handler = std::move(request.handler);
    configuration.description = std::move(request.description);
    configuration.environment = std::move(request.environment);
    configuration.timeout_s = request.timeout_s;
    configuration.memory_mb = request.memory_mb;
    configuration.architecture = std::move(request.architecture);
    return prepare(std::move(record), &request.code);
}

/// A function of this record, with its code in place and, where it is C++, loaded. Without `code` that of the record stays.
Result<FunctionPtr> Service::prepare(FunctionRecord record, const FunctionCode* code) {
    FunctionConfiguration& configuration = record.configuration;
    configuration.revision_id = dependencies_.random.uuid();
    configuration.modified_at = dependencies_.clock.now();
    const bool package = runtime_kind(configuration.runtime) != RuntimeKind::cpp;
    if (code != nullptr && !code->zip.empty()) {
        Result<CodeStore::Installed> installed = Error(Errc::invalid_code, {});
        if (package) {
            installed = code_store_->install_package(configuration.name, code->zip);
        } else if (auto object = shared_object_from_zip(code->zip, configuration.handler); !object) {
            installed = object.error();
        } else {
            installed = code_store_->install(configuration.name, *object);
        }
        if (!installed) return installed.error();
        record.origin.clear();
        record.object_sha256 = installed->sha256;
        configuration.code_size_bytes = static_cast<std::int64_t>(code->zip.size());
        configuration.code_sha256 = base64_encode(sha256(code->zip));
    } else if (code != nullptr) {
        std::error_code failed;
        record.origin = std::filesystem::absolute(code->file, failed).lexically_normal();
        if (package && !std::filesystem::is_directory(record.origin, failed))
            return Error(Errc::invalid_code,
                         "`" + record.origin.string() + "`: not a folder, which runtime " + configuration.runtime + " runs from");
    }
    if (auto usable = starter_->check(configuration); !usable) return usable.error();
    auto function = std::make_shared<Function>(std::move(record), code_store_, starter_);
    if (auto loaded = function->code(); !loaded) return loaded.error();
    return function;
}

Awaitable<FunctionConfiguration> Service::create_function(CreateFunctionRequest request) {
    if (auto valid = validate(request); !valid) co_return valid.error();
    if (stopped_) co_return shutting_down();
    const FunctionName name = request.name;
    const auto claimed = claim(name);
    if (!claimed) co_return claimed.error();
    if (find(name)) co_return Error(Errc::resource_conflict, "Function already exist: " + name.str());
    {
        const std::shared_lock lock(functions_mutex_);
        if (functions_.size() >= functions_max)
            co_return Error(Errc::invalid_parameter, "more than " + std::to_string(functions_max) + " functions");
    }
    UniqueFunction<Result<FunctionPtr>()> work = [this, &request] { return install(std::move(request)); };
    const auto function = co_await on_room_thread<Result<FunctionPtr>>(std::move(work));
    if (!function) {
        co_await remove_code(name);
        co_return function.error();
    }
    const auto kept = co_await keep(*function);
    if (!kept) {
        co_await remove_code(name);
        co_return kept.error();
    }
    co_return (*function)->record()->configuration;
}

/// Stores a new function, then lets it be found.
asio::awaitable<Result<void>> Service::keep(FunctionPtr function) {
    const auto record = function->record();
    const std::string key = function_key(record->configuration.name);
    store::kv::Batch batch;
    batch.preconditions.push_back({key, store::kv::Precondition::Kind::absent, {}});
    batch.put(key, encode(*record));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) {
        const bool exists = stored.error().code == store::kv::Errc::precondition_failed;
        if (exists) co_return Error(Errc::resource_conflict, "Function already exist: " + record->configuration.name.str());
        co_return store_error(stored.error());
    }
    const std::unique_lock lock(functions_mutex_);
    functions_[record->configuration.name] = std::move(function);
    co_return Result<void>();
}

Awaitable<void> Service::delete_function(FunctionName name) {
    const auto claimed = claim(name);
    if (!claimed) co_return claimed.error();
    const FunctionPtr function = find(name);
    if (!function) co_return not_found(name);
    store::kv::TransactionBody body = [&name](store::kv::Transaction& transaction) -> Result<void> {
        transaction.erase(function_key(name));
        transaction.erase_range(queue_keys(name));
        return {};
    };
    const auto stored = co_await dependencies_.engine.transact(std::move(body));
    if (!stored) co_return store_error(stored.error());
    {
        const std::unique_lock lock(functions_mutex_);
        functions_.erase(name);
    }
    queue_.forget(name);
    UniqueFunction<bool()> work = [code_store = code_store_, name, function] {
        function->environments().close();
        return code_store->remove(name);
    };
    co_await on_room_thread<bool>(std::move(work));
    co_return Result<void>();
}

Result<FunctionPtr> Service::install_update(const FunctionRecord& old, UpdateFunctionRequest request) {
    FunctionRecord record = old;
    FunctionConfiguration& configuration = record.configuration;
    const auto change = [](auto& field, auto& wanted) {
        if (wanted) field = std::move(*wanted);
    };
    change(configuration.runtime, request.runtime);
    change(configuration.role, request.role);
    change(configuration.handler, request.handler);
    change(configuration.description, request.description);
    change(configuration.architecture, request.architecture);
    change(configuration.environment, request.environment);
    change(configuration.timeout_s, request.timeout_s);
    change(configuration.memory_mb, request.memory_mb);
    if (auto valid = validate(configuration); !valid) return valid.error();
    return prepare(std::move(record), request.code ? &*request.code : nullptr);
}

Awaitable<FunctionConfiguration> Service::update_function(UpdateFunctionRequest request) {
    if (stopped_) co_return shutting_down();
    const FunctionName name = request.name;
    const auto claimed = claim(name);
    if (!claimed) co_return claimed.error();
    const FunctionPtr old = find(name);
    if (!old) co_return not_found(name);
    const auto old_record = old->record();
    if (request.revision_id && *request.revision_id != old_record->configuration.revision_id) {
        co_return Error(Errc::precondition_failed,
                        "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the "
                        "latest RevisionId for your resource");
    }
    const bool dry_run = request.dry_run;
    UniqueFunction<Result<FunctionPtr>()> work = [this, &request, &old_record] { return install_update(*old_record, std::move(request)); };
    const auto function = co_await on_room_thread<Result<FunctionPtr>>(std::move(work));
    if (!function) co_return function.error();
    const auto record = (*function)->record();
    if (dry_run) co_return record->configuration;
    store::kv::Batch batch;
    const std::string key = function_key(name);
    batch.preconditions.push_back({key, store::kv::Precondition::Kind::exists, {}});
    batch.put(key, encode(*record));
    const auto stored = co_await dependencies_.engine.commit(std::move(batch));
    if (!stored) co_return store_error(stored.error());
    {
        const std::unique_lock lock(functions_mutex_);
        functions_[name] = *function;
    }
    // What runs goes on with the old code, which therefore stays on the disk until the update after this one.
    UniqueFunction<bool()> clean = [this, old, record, old_record] {
        old->environments().close();
        code_store_->keep_only(record->configuration.name, {record->object_sha256, old_record->object_sha256});
        return true;
    };
    co_await on_room_thread<bool>(std::move(clean));
    co_return record->configuration;
}

void Service::code_replaced(const FunctionPtr& function) {
    function->set_revision(dependencies_.random.uuid(), dependencies_.clock.now());
    const auto record = function->record();
    logger("lambda").info("function code replaced function={} revision={}", record->configuration.name.str(),
                          record->configuration.revision_id);
    store::kv::Batch batch;
    const std::string key = function_key(record->configuration.name);
    // Not written back if the function was deleted meanwhile. A failure costs nothing: the next start loads the file again.
    batch.preconditions.push_back({key, store::kv::Precondition::Kind::exists, {}});
    batch.put(key, encode(*record));
    dependencies_.engine.commit(std::move(batch), [](Result<void>) {});
}

Awaitable<InvocationResult> Service::invoke(FunctionName name, std::string event) {
    if (auto valid = validate_event(event, sync_event_bytes_max); !valid) co_return valid.error();
    const FunctionPtr function = find(name);
    if (!function) co_return not_found(name);
    if (event.empty()) event = "{}";
    const auto shared = std::make_shared<const std::string>(std::move(event));
    UniqueFunction<void(Invocation::Done)> start = [this, &function, &shared](Invocation::Done done) {
        InvocationDetails details;
        const auto invocation =
            std::make_shared<Invocation>(services_, function, dependencies_.random.uuid(), shared, std::move(details), std::move(done));
        const auto submitted = submit(invocation, Invoker::Source::caller);
        if (!submitted) invocation->abandon(submitted.error());
    };
    co_return co_await wait_for<Result<InvocationResult>>(std::move(start));
}

asio::awaitable<Result<FunctionAnswer>> Service::call_function(std::string function, std::string event) {
    auto reference = parse_function_reference(function);
    if (!reference) co_return reference.error();
    if (!reference->qualifier.empty()) co_return not_found(FunctionName(reference->name.str() + ":" + reference->qualifier));
    auto result = co_await invoke(std::move(reference->name), std::move(event));
    if (!result) co_return result.error();
    FunctionAnswer answer;
    answer.payload = std::move(result->payload);
    answer.function_error = std::move(result->function_error);
    co_return answer;
}

void Service::invoke_async(FunctionName name, std::string event, store::kv::CommitHandler done) {
    if (auto valid = validate_event(event, async_event_bytes_max); !valid) return done(valid.error());
    if (!find(name)) return done(not_found(name));
    if (event.empty()) event = "{}";
    queue_.enqueue(name, std::move(event), std::move(done));
}

InvocationQueue::Started Service::start_attempt(const QueueEntry& entry, InvocationQueue::Report report) {
    FunctionPtr function = find(entry.lane->function);
    if (!function) return InvocationQueue::Started::no_such_function;
    Invocation::Done done = [report = std::move(report)](Result<InvocationResult> result) mutable {
        if (!result) return report(InvocationQueue::Outcome::abandoned, result.error().message);
        const bool good = result->function_error.empty();
        report(good ? InvocationQueue::Outcome::succeeded : InvocationQueue::Outcome::failed,
               good ? std::string() : std::move(result->payload));
    };
    InvocationDetails details;
    auto invocation =
        std::make_shared<Invocation>(services_, std::move(function), entry.request_id, entry.event, std::move(details), std::move(done));
    const auto submitted = submit(std::move(invocation), Invoker::Source::queue);
    return submitted ? InvocationQueue::Started::yes : InvocationQueue::Started::shutting_down;
}

Result<void> Service::submit(std::shared_ptr<Invocation> invocation, Invoker::Source source) {
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
        retire_environments();
        sweep_later();
    });
}

/// Processes that nobody needs go after a while.
void Service::retire_environments() {
    std::vector<FunctionPtr> all;
    {
        const std::shared_lock lock(functions_mutex_);
        for (const auto& [name, function] : functions_) all.push_back(function);
    }
    for (const auto& function : all) function->environments().retire(std::chrono::steady_clock::now() - warm_time);
}

void Service::shut_down(std::chrono::milliseconds grace, bool erase_finished) {
    stopped_ = true;
    queue_.stop();
    invoker_.stop(grace);
    timers_.stop();
    for (const auto& [name, function] : functions_) function->environments().close();
    if (erase_finished) queue_.flush();
    queue_.wait_until_quiet();
    threads_.stop();
}

}  // namespace

Awaitable<std::unique_ptr<FunctionService>> open_function_service(FunctionService::Dependencies dependencies, InvocationPolicy policy) {
    std::error_code failed;
    std::filesystem::create_directories(dependencies.folder, failed);
    if (failed) co_return Error(Errc::unavailable, "`" + dependencies.folder.string() + "`: " + failed.message());
    if (auto written = write_bootstraps(bootstraps_folder(dependencies.folder)); !written) co_return written.error();
    auto service = std::make_unique<Service>(std::move(dependencies), policy);
    if (const auto loaded = co_await service->load(); !loaded) co_return loaded.error();
    co_return std::unique_ptr<FunctionService>(std::move(service));
}

Awaitable<std::unique_ptr<FunctionService>> open_function_service(FunctionService::Dependencies dependencies) {
    return open_function_service(std::move(dependencies), InvocationPolicy());
}

}  // namespace fogbank::lambda
