/// An execution environment: one process that runs a function's invocations, one at a time, and is kept warm between them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "fogbank/lambda.h"
#include "lambda/child_process.h"

namespace fogbank::lambda {

/// One invocation, as an environment needs it. The texts live until `run` has returned.
struct EnvironmentRun {
    std::string_view request_id, function_arn, event, client_context;
    std::int64_t deadline_ms = 0;               ///< since the Unix epoch
    const fogbank_host* host = nullptr;         ///< answers what a C++ handler asks
    std::function<void(std::string_view)> log;  ///< one line of what the process or handler says
    bool alone = false;                         ///< no other invocation runs or waits: both ends may wait awake
};

struct EnvironmentReturn {
    enum class Kind : std::uint8_t {
        result,          ///< `payload` is what the handler returned
        function_error,  ///< `payload` is an error object
        exited,          ///< the process is gone; `payload` says how it ended, perhaps nothing
    };
    Kind kind = Kind::exited;
    std::string payload;
    bool too_large = false;  ///< more than result_bytes_max
    std::size_t memory_kb = 0;
    bool reusable = false;  ///< healthy, may run another invocation
};

/// How an environment did not come up. `function_error` is an error object for the caller.
struct StartFailure {
    std::string function_error;
    std::string reason;   ///< for whoever deploys or reads the server's log
    bool exited = false;  ///< the process ended; then `function_error` is how, as ChildProcess::wait says it
};

/// What all environments are started from.
struct EnvironmentSettings {
    std::filesystem::path worker_executable;  ///< this program, for its lambda-worker mode
    std::filesystem::path code;               ///< the shared object, or the folder of a package
    std::string handler;
    std::int64_t memory_mb = 128;
    std::vector<std::string> command;      ///< a process runtime's program and arguments; empty: a C++ worker
    std::vector<std::string> environment;  ///< `NAME=value`
    std::string log_stream;                ///< its log's stream
};

/// All calls but `kill` from one thread at a time.
class Environment {
  public:
    /// What the process says before its first invocation, and how long it may take. Source: Developer Guide, "Init phase".
    static constexpr std::chrono::seconds start_limit{10};

    virtual ~Environment() = default;
    /// Waits until the process is ready for events, or has failed, or start_limit has passed.
    virtual std::unique_ptr<StartFailure> wait_until_ready() = 0;
    virtual EnvironmentReturn run(const EnvironmentRun& run) = 0;
    /// False if it is known to be dead.
    bool alive() const;
    /// Any thread, also while `run` runs, which then returns soon.
    void kill() { process_->kill(); }
    /// What it has said so far, also before its first invocation.
    void pass_output(std::function<void(std::string_view)> sink);
    const std::string& log_stream() const { return log_stream_; }

  protected:
    Environment(std::unique_ptr<ChildProcess> process, const EnvironmentSettings& settings);
    /// Moves what the process wrote into `sink`, or keeps it for the next run when there is none.
    void drain_output(const EnvironmentRun* run);
    std::size_t peak_kb_ = 0;
    const std::int64_t memory_mb_;
    const std::unique_ptr<ChildProcess> process_;

  private:
    void say(const EnvironmentRun* run, std::string_view line);
    LineBuffer lines_;
    std::vector<std::string> early_lines_;
    const std::string log_stream_;
};

/// Starts a worker for a C++ handler. Errors: unavailable, when there can be no process.
Result<std::unique_ptr<Environment>> start_cpp_environment(const EnvironmentSettings& settings);
/// Starts a program that speaks the Lambda Runtime API. Errors: unavailable.
Result<std::unique_ptr<Environment>> start_runtime_environment(const EnvironmentSettings& settings);

/// AWS's object for a process that ended: `Runtime.ExitError`. `reason` as ChildProcess::wait says it.
std::string exit_error(std::string_view request_id, std::string_view reason);

}  // namespace fogbank::lambda
