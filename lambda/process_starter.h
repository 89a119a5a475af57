/// Starts the processes of functions with what the server has: its own program, interpreters, credentials of roles.
#pragma once

#include <boost/asio/io_context.hpp>
#include <mutex>
#include <optional>

#include "lambda/function.h"
#include "lambda/function_service.h"
#include "lambda/runtime.h"

namespace fogbank::lambda {

/// Any thread.
class ProcessStarter final : public EnvironmentStarter {
  public:
    /// @param io  runs what is asked of the registry while a function thread waits; not the one that calls `start`.
    ProcessStarter(const FunctionService::Dependencies& dependencies, boost::asio::io_context& io);

    /// Before any function runs that is no C++.
    void set_surroundings(FunctionService::Surroundings surroundings);
    /// Whether the server has what the function's runtime needs. Errors: invalid_code.
    Result<void> check(const FunctionConfiguration& configuration) const;
    /// Waits for the role's credentials where the runtime needs them: not on a thread of `io`.
    Result<std::unique_ptr<Environment>> start(const FunctionRecord& record, const std::filesystem::path& code) const override;

  private:
    Result<RuntimeCredentials> credentials(const FunctionConfiguration& configuration, const FunctionService::Surroundings& known) const;
    FunctionService::Surroundings surroundings() const;
    RuntimeSurroundings for_runtime(const FunctionService::Surroundings& known) const;
    std::string new_log_stream(const FunctionConfiguration& configuration) const;

    const std::filesystem::path worker_executable_, bootstraps_;
    const Clock& clock_;
    RandomSource& random_;
    boost::asio::io_context& io_;
    mutable std::mutex mutex_;
    FunctionService::Surroundings surroundings_;
};

/// Where the bootstraps lie, beside the functions' folders: no function has such a name.
std::filesystem::path bootstraps_folder(const std::filesystem::path& functions);

}  // namespace fogbank::lambda
