/// Functions: what they are, how they are deployed and invoked. Source: AWS Lambda API reference 2015-03-31 (reference "lambda").
///
/// Handlers run on this room's own threads, never on a shard. Asynchronous invocations are durable: once accepted they survive kill -9, run
/// at least once, are tried again twice after an error, and are then dropped with a log line and a metric.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/arn.h"
#include "common/clock.h"
#include "common/functions.h"
#include "common/ids.h"
#include "common/log_sink.h"
#include "common/metrics.h"
#include "common/publisher.h"
#include "common/random.h"
#include "common/result.h"
#include "common/role_access.h"
#include "common/role_credentials.h"
#include "common/shadows.h"
#include "lambda/errc.h"
#include "lambda/event_sources.h"
#include "lambda/function_administration.h"
#include "lambda/function_reference.h"
#include "store/kv/engine.h"
#include "store/table/streams.h"
#include "store/table/table_service.h"

namespace fogbank::lambda {

template <class T>
using Awaitable = boost::asio::awaitable<Result<T>>;

/// The runtime name of C++ handlers built against fogbank/lambda.h.
inline constexpr std::string_view cpp_runtime = "fogbank-cpp";

struct FunctionConfiguration {
    FunctionName name;
    std::string arn, runtime, role, handler, description;
    std::map<std::string, std::string> environment;
    std::int64_t timeout_s = 3, memory_mb = 128;
    std::int64_t code_size_bytes = 0;
    std::string code_sha256;  ///< base64
    std::string revision_id;  ///< UUID
    WallTime modified_at{};
    std::string version = "$LATEST";  ///< or the number of a published one
    std::string architecture = "x86_64";
};

/// Where the code comes from: exactly one is set.
struct FunctionCode {
    std::string zip;  ///< bytes of a zip archive that holds the shared object (`<handler>` or the only .so in it)
    std::filesystem::path
        file;  ///< Fogbank's extension: a shared object on the server's disk, loaded from there, reloaded when it is replaced
};

struct CreateFunctionRequest {
    FunctionName name;
    std::string runtime, role, handler, description;
    std::map<std::string, std::string> environment;
    std::int64_t timeout_s = 3, memory_mb = 128;
    std::string architecture = "x86_64";
    FunctionCode code;
    std::map<std::string, std::string> tags;
    bool publish = false;  ///< also as version 1, which then is what is answered
};

/// UpdateFunctionCode and UpdateFunctionConfiguration: what is set is changed.
struct UpdateFunctionRequest {
    FunctionName name;
    std::optional<std::string> runtime, role, handler, description, architecture, revision_id;
    std::optional<std::map<std::string, std::string>> environment;
    std::optional<std::int64_t> timeout_s, memory_mb;
    std::optional<FunctionCode> code;
    bool dry_run = false;  ///< judged, not done
};

struct InvocationResult {
    std::string payload;         ///< JSON: the handler's result, or an error object
    std::string function_error;  ///< empty, or `Unhandled`
    std::string log_tail;        ///< the last 4 KB of what the handler logged
    std::string executed_version = "$LATEST";
    std::string request_id = {};
};

struct InvokeRequest {
    FunctionReference function;
    std::string event;
    std::string client_context;  ///< JSON in one line; may be empty
};

class FunctionService : public FunctionCaller {
  public:
    struct Dependencies {
        store::kv::Engine& engine;
        store::table::TableService& tables;
        Publisher& publisher;
        const Clock& clock;
        RandomSource& random;
        Metrics& metrics;
        ArnFactory arns;
        std::filesystem::path folder;  ///< where deployed code is kept
        std::size_t threads = 2;       ///< handlers that compute at the same time; one per core
        std::size_t threads_max = 2;   ///< invocations that run at the same time, most of them waiting for something
        std::filesystem::path worker_executable = "/proc/self/exe";  ///< this program, for worker processes
        /// The name of a table's partition key, for judging access by leading keys; nothing: no such table.
        std::function<std::optional<std::string>(const TableName&)> partition_key_of = {};
        store::table::Streams* streams = nullptr;  ///< for event source mappings; null: there are none
    };
    /// What is known only when the whole server is up.
    struct Surroundings {
        std::string endpoint_url;  ///< of the AWS APIs, for functions in other languages; empty: none
        std::string region;
        std::string node_path;                         ///< folders with packages for every Node.js function
        std::string search_path;                       ///< PATH: where `node` and `python3` are
        std::string access_key_id, secret_access_key;  ///< for functions when there are no roles
        RoleCredentials* roles = nullptr;
        RoleAccess* role_access = nullptr;  ///< judges what C++ handlers ask of the host; null: all of it is allowed
        Shadows* shadows = nullptr;
        /// What AWS IoT's data plane calls an error of `shadows`; null: ServiceException.
        std::string_view (*shadow_exception)(const boost::system::error_code&) = nullptr;
        LogSink* logs = nullptr;  ///< CloudWatch Logs
    };

    /// Loads the code and checks its ABI before anything is stored. Errors: invalid_parameter, invalid_code, resource_conflict.
    virtual Awaitable<FunctionConfiguration> create_function(CreateFunctionRequest request) = 0;
    virtual Awaitable<FunctionConfiguration> get_function(FunctionName name) = 0;
    virtual Awaitable<std::vector<FunctionConfiguration>> list_functions() = 0;
    virtual Awaitable<void> delete_function(FunctionName name) = 0;
    /// New code or configuration. What runs goes on with the old one; what begins after the answer runs the new one. Errors: those of
    /// create_function, resource_not_found, precondition_failed when `revision_id` is not the current one.
    virtual Awaitable<FunctionConfiguration> update_function(UpdateFunctionRequest request) = 0;

    /// Runs the function and waits for its result; a failing handler is a success with `function_error` set.
    /// Errors: resource_not_found, invalid_request_content, request_too_large (6 MB), too_many_requests.
    virtual Awaitable<InvocationResult> invoke(FunctionName name, std::string event) = 0;
    virtual Awaitable<InvocationResult> invoke(InvokeRequest request) = 0;

    /// FunctionCaller: `invoke` by name or ARN. Errors: those of `invoke`, invalid_parameter for what names no function.
    boost::asio::awaitable<Result<FunctionAnswer>> call_function(std::string function, std::string event) override = 0;

    /// Queues the event durably (at most 1 MB). `done` is called once, on an engine thread, after the queue entry is committed or refused.
    /// Any thread. A function that does not exist is refused with resource_not_found.
    virtual void invoke_async(FunctionName name, std::string event, store::kv::CommitHandler done) = 0;
    /// The same with a version or an alias, which is looked up anew for every attempt.
    virtual void invoke_async(FunctionReference function, std::string event, store::kv::CommitHandler done) = 0;

    /// Versions, aliases, tags, permissions, settings.
    virtual FunctionAdministration& administration() = 0;
    /// Event source mappings: functions that are fed from tables' streams. Null where there are none.
    virtual EventSources* event_sources() { return nullptr; }

    /// Invocations queued or running now.
    virtual std::size_t backlog() const = 0;

    /// Takes up what the queue held at the last stop. Call once, after everything handlers may need is there.
    virtual void start(Surroundings surroundings) = 0;
    /// Lets running handlers finish for up to `grace`, leaves the rest in the durable queue, joins the threads. Not from a shard or handler
    /// thread.
    virtual void stop(std::chrono::milliseconds grace) = 0;
};

/// Loads the stored functions. The dependencies must outlive the service.
Awaitable<std::unique_ptr<FunctionService>> open_function_service(FunctionService::Dependencies dependencies);

}  // namespace fogbank::lambda
