/// The service behind FunctionService, in one class and several files: function_service.cpp (opening, invoking, stopping),
/// function_deployment.cpp (creating, updating, publishing, deleting), function_administration.cpp (what belongs to a function beside its
/// code).
#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <thread>

#include "lambda/detail/event_source_service.h"
#include "lambda/detail/wait_for.h"
#include "lambda/function.h"
#include "lambda/function_administration.h"
#include "lambda/function_meta.h"
#include "lambda/function_reference.h"
#include "lambda/function_service.h"
#include "lambda/invocation.h"
#include "lambda/invocation_policy.h"
#include "lambda/invocation_queue.h"
#include "lambda/invoker.h"
#include "lambda/process_starter.h"
#include "lambda/timers.h"

namespace fogbank::lambda::detail {

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

Error shutting_down();
/// What the store's refusal means for the caller.
Error store_error(const Error& error);

/// The number that a version's name is, if it is one.
std::optional<std::uint64_t> version_number(std::string_view version);

/// How many invocations of a function run or wait at the same time. Any thread.
class ConcurrencyGate {
  public:
    /// False if the function's reserved concurrency is used up.
    bool enter() {
        const std::int64_t now = running_.fetch_add(1) + 1;
        if (now <= limit_.load(std::memory_order_relaxed)) return true;
        running_.fetch_sub(1);
        return false;
    }
    void leave() { running_.fetch_sub(1); }
    void set_limit(std::optional<std::int64_t> limit) { limit_ = limit.value_or(std::numeric_limits<std::int64_t>::max()); }

  private:
    std::atomic<std::int64_t> running_ = 0;
    std::atomic<std::int64_t> limit_ = std::numeric_limits<std::int64_t>::max();
};

/// Everything that there is under one name.
struct FunctionEntry {
    FunctionPtr latest;
    std::map<std::uint64_t, FunctionPtr> versions;
    std::shared_ptr<const FunctionMeta> meta = std::make_shared<const FunctionMeta>();
    std::shared_ptr<ConcurrencyGate> gate = std::make_shared<ConcurrencyGate>();
};

class Service final : public FunctionService, public FunctionAdministration {
  public:
    Service(Dependencies dependencies, const InvocationPolicy& policy);
    ~Service() override;
    asio::awaitable<Result<void>> load();

    // FunctionService
    Awaitable<FunctionConfiguration> create_function(CreateFunctionRequest request) override;
    Awaitable<FunctionConfiguration> get_function(FunctionName name) override;
    Awaitable<std::vector<FunctionConfiguration>> list_functions() override;
    Awaitable<void> delete_function(FunctionName name) override;
    Awaitable<FunctionConfiguration> update_function(UpdateFunctionRequest request) override;
    Awaitable<InvocationResult> invoke(FunctionName name, std::string event) override;
    Awaitable<InvocationResult> invoke(InvokeRequest request) override;
    asio::awaitable<Result<FunctionAnswer>> call_function(std::string function, std::string event) override;
    void invoke_async(FunctionName name, std::string event, store::kv::CommitHandler done) override;
    void invoke_async(FunctionReference function, std::string event, store::kv::CommitHandler done) override;
    FunctionAdministration& administration() override { return *this; }
    EventSources* event_sources() override { return &event_sources_; }
    std::size_t backlog() const override { return queue_.backlog() + invoker_.callers(); }
    void start(Surroundings surroundings) override;
    void stop(std::chrono::milliseconds grace) override {
        if (!stopped_) shut_down(grace, true);
    }

    // FunctionAdministration
    Awaitable<FunctionConfiguration> get_version(FunctionReference function) override;
    Awaitable<std::vector<FunctionConfiguration>> list_versions(FunctionName name) override;
    Awaitable<FunctionConfiguration> publish_version(PublishVersionRequest request) override;
    Awaitable<void> delete_version(FunctionReference function) override;
    Awaitable<FunctionMeta> get_meta(FunctionName name) override;
    Awaitable<FunctionMeta> change_meta(FunctionName name, MetaChange change) override;

  private:
    /// Keeps a second change of the same function out while one is under way.
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
    /// What a reference means now.
    struct Resolved {
        FunctionPtr function;
        std::shared_ptr<ConcurrencyGate> gate;
        std::string arn;  ///< with the qualifier as it was given
    };

    std::shared_ptr<InvocationServices> make_services();
    InvocationQueue::Dependencies queue_dependencies();
    std::optional<FunctionEntry> find(const FunctionName& name) const;
    Result<Resolved> resolve(const FunctionReference& function) const;
    FunctionPtr current(const FunctionPtr& function) const;
    Error not_found(const FunctionName& name, std::string_view qualifier = {}) const;
    Result<std::unique_ptr<NameClaim>> claim(const FunctionName& name);
    template <class Visit>
    asio::awaitable<Result<void>> scan_all(store::kv::Range range, Visit visit);

    Result<FunctionPtr> install(CreateFunctionRequest request);
    Result<FunctionPtr> prepare(FunctionRecord record, const FunctionCode* code);
    Result<FunctionPtr> install_update(const FunctionRecord& old, UpdateFunctionRequest request);
    Result<FunctionPtr> freeze(const FunctionRecord& latest, std::uint64_t number, const PublishVersionRequest& request);
    Awaitable<FunctionConfiguration> keep(FunctionPtr function, FunctionMeta meta, bool publish);
    asio::awaitable<Result<FunctionMeta>> store_meta(FunctionName name, FunctionMeta meta);
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
    RetryPlan retry_plan(const FunctionReference& function) const;
    void settled(const QueueEntry& entry, InvocationQueue::Ending ending, UniqueFunction<void(bool)> then);
    Result<Invoker::Pickup> submit(std::shared_ptr<Invocation> invocation, Invoker::Source source);
    void grow_later();
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
    std::map<FunctionName, FunctionEntry> functions_;
    std::set<FunctionName> busy_names_;
    Invoker invoker_;
    InvocationQueue queue_;
    EventSourceService event_sources_;
    std::atomic<bool> stopped_ = false;
};

}  // namespace fogbank::lambda::detail
