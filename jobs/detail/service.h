/// The service's class; its functions are in job_service.cpp (control plane), device_requests.cpp, device_topics.cpp and job_timers.cpp.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "jobs/job_service.h"
#include "jobs/progress.h"

namespace fogbank::jobs::detail {

class Service;

/// Hears the reserved topics; outlives the service by the publishes that are under way when it stops.
class Ear final : public Subscriber {
  public:
    explicit Ear(Service& service) : service_(&service) {}
    void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) override;
    void close() { service_ = nullptr; }

  private:
    std::atomic<Service*> service_;
};

class Service final : public JobService {
  public:
    explicit Service(Dependencies dependencies);
    ~Service() override { stop(); }

    Awaitable<std::string> create_job(std::string job_id, std::string body) override;
    Awaitable<std::string> describe_job(std::string job_id) override;
    Awaitable<std::string> job_document(std::string job_id) override;
    Awaitable<ListPage> list_jobs(ListRequest request) override;
    Awaitable<void> update_job(std::string job_id, std::string body) override;
    Awaitable<std::string> cancel_job(std::string job_id, std::string body, bool force) override;
    Awaitable<void> delete_job(std::string job_id, bool force) override;
    Awaitable<std::string> associate_targets(std::string job_id, std::string body) override;
    Awaitable<std::string> describe_execution(std::string job_id, std::string thing, std::optional<std::int64_t> number) override;
    Awaitable<ListPage> list_executions_for_job(std::string job_id, ListRequest request) override;
    Awaitable<ListPage> list_executions_for_thing(std::string thing, ListRequest request) override;
    Awaitable<void> cancel_execution(std::string job_id, std::string thing, std::string body, bool force) override;
    Awaitable<void> delete_execution(std::string job_id, std::string thing, std::int64_t number, bool force) override;
    boost::asio::awaitable<DeviceAnswer> device_request(DeviceRequest request) override;
    Awaitable<void> run_timers() override;
    void stop() override;

    void hear(const MessagePtr& message, PublishContext& context);

  private:
    using Body = UniqueFunction<Result<void>(JobTable&, Changes&)>;

    struct Targets {
        std::vector<std::string> arns, things, groups;
        std::set<std::string> expanded;  ///< things, and members of groups
    };

    std::int64_t now_ms() const { return dependencies_.clock.now().time_since_epoch().count(); }
    /// Runs `body` in a transaction and publishes what it changed. What `body` fills must live in shared state, made anew each time it
    /// runs.
    Awaitable<void> change(Body body);
    Awaitable<std::optional<Job>> find_job(std::string job_id);
    Awaitable<Job> read_job(std::string job_id);
    Awaitable<Targets> read_targets(nlohmann::json list);
    Awaitable<void> advance(std::string job_id);
    Awaitable<void> follow_groups(Job job);
    Awaitable<void> require_thing(ThingName thing);
    void publish(const std::string& topic, const std::string& payload);

    boost::asio::awaitable<DeviceAnswer> get_pending(DeviceRequest request);
    boost::asio::awaitable<DeviceAnswer> start_next(DeviceRequest request, nlohmann::json body);
    boost::asio::awaitable<DeviceAnswer> describe(DeviceRequest request, nlohmann::json body);
    boost::asio::awaitable<DeviceAnswer> update(DeviceRequest request, nlohmann::json body);
    boost::asio::awaitable<void> answer(DeviceRequest request, std::string topic, std::optional<std::string> client_token, Hold hold);
    boost::asio::awaitable<void> tick();

    Dependencies dependencies_;
    std::shared_ptr<const MessageOrigin> origin_;
    std::shared_ptr<Ear> ear_;
    boost::asio::steady_timer timer_;
    std::map<std::string, std::set<std::string>> members_;  ///< of the groups of continuous jobs, as last seen; the timer's
    std::atomic<bool> stopped_{false};
};

/// A JSON object from a request's body; an empty body is an empty object. Errors: invalid_request.
Result<nlohmann::json> object_of(std::string_view body);
Error unavailable(const Error& error);

}  // namespace fogbank::jobs::detail
