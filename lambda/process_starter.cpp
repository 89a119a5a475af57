#include "lambda/process_starter.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "lambda/invocation.h"

namespace fogbank::lambda {
namespace {

/// The longest that STS gives; an environment that gets older than that is rare, and its calls are then refused.
constexpr std::chrono::hours credentials_time{12};
constexpr char separator = '\n';

boost::asio::awaitable<void> fetch(RoleCredentials* roles, std::string role, std::string session, std::shared_ptr<PendingCall> call) {
    const auto got = co_await roles->role_credentials(std::move(role), std::move(session), credentials_time);
    if (!got) {
        call->complete(got.error());
    } else {
        call->complete(got->access_key_id + separator + got->secret_access_key + separator + got->session_token);
    }
}

}  // namespace

std::filesystem::path bootstraps_folder(const std::filesystem::path& functions) {
    std::error_code failed;
    return std::filesystem::absolute(functions, failed) / ".runtimes";
}

ProcessStarter::ProcessStarter(const FunctionService::Dependencies& dependencies, boost::asio::io_context& io)
    : worker_executable_(dependencies.worker_executable),
      bootstraps_(bootstraps_folder(dependencies.folder)),
      clock_(dependencies.clock),
      random_(dependencies.random),
      io_(io) {}

void ProcessStarter::set_surroundings(FunctionService::Surroundings surroundings) {
    const std::lock_guard lock(mutex_);
    surroundings_ = std::move(surroundings);
}

FunctionService::Surroundings ProcessStarter::surroundings() const {
    const std::lock_guard lock(mutex_);
    return surroundings_;
}

RuntimeSurroundings ProcessStarter::for_runtime(const FunctionService::Surroundings& known) const {
    RuntimeSurroundings out;
    out.endpoint_url = known.endpoint_url;
    out.region = known.region;
    out.node_path = known.node_path;
    out.search_path = known.search_path.empty() ? "/usr/local/bin:/usr/bin:/bin" : known.search_path;
    out.bootstraps = bootstraps_;
    return out;
}

Result<void> ProcessStarter::check(const FunctionConfiguration& configuration) const {
    const auto command = runtime_command(configuration, {}, for_runtime(surroundings()));
    if (!command) return command.error();
    return {};
}

Result<RuntimeCredentials> ProcessStarter::credentials(const FunctionConfiguration& configuration,
                                                       const FunctionService::Surroundings& known) const {
    if (known.roles == nullptr) return RuntimeCredentials{known.access_key_id, known.secret_access_key, {}};
    const auto call = std::make_shared<PendingCall>();
    auto task = fetch(known.roles, configuration.role, configuration.name.str(), call);
    boost::asio::co_spawn(io_, std::move(task), boost::asio::detached);
    const auto text = call->wait();
    if (!text) return text.error();
    const std::size_t first = text->find(separator);
    const std::size_t second = text->find(separator, first + 1);
    return RuntimeCredentials{text->substr(0, first), text->substr(first + 1, second - first - 1), text->substr(second + 1)};
}

/// `2023/01/01/[$LATEST]0123…`
std::string ProcessStarter::new_log_stream(const FunctionConfiguration& configuration) const {
    std::string day = iso8601(clock_.now().time_since_epoch().count()).substr(0, 10);
    std::replace(day.begin(), day.end(), '-', '/');
    std::string id = random_.uuid();
    id.erase(std::remove(id.begin(), id.end(), '-'), id.end());
    return day + "/[" + configuration.version + "]" + id;
}

Result<std::unique_ptr<Environment>> ProcessStarter::start(const FunctionRecord& record, const std::filesystem::path& code) const {
    const FunctionConfiguration& configuration = record.configuration;
    const auto known = surroundings();
    const auto runtime = for_runtime(known);
    std::error_code failed;
    EnvironmentSettings settings;
    settings.worker_executable = worker_executable_;
    settings.code = std::filesystem::absolute(code, failed);
    settings.handler = configuration.handler;
    settings.memory_mb = configuration.memory_mb;
    settings.log_stream = new_log_stream(configuration);
    auto command = runtime_command(configuration, settings.code, runtime);
    if (!command) return command.error();
    settings.command = std::move(*command);
    RuntimeCredentials keys;
    if (!settings.command.empty()) {
        auto got = credentials(configuration, known);
        if (!got) return got.error();
        keys = std::move(*got);
    }
    const std::filesystem::path root = settings.command.empty() ? settings.code.parent_path() : settings.code;
    settings.environment = runtime_environment(configuration, root, runtime, keys, settings.log_stream);
    return settings.command.empty() ? start_cpp_environment(settings) : start_runtime_environment(settings);
}

}  // namespace fogbank::lambda
