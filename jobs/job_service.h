/// Jobs: made and watched over the control plane, carried out by devices over MQTT and HTTP. Source: AWS IoT Core Developer Guide, "Jobs"
/// (reference "registry", section 16).
///
/// Everything is one transaction of the store each, so jobs survive a crash between any two steps. What changes in a thing's list of
/// pending executions is told on `notify` and `notify-next` after the commit. Requests and answers of the APIs are JSON text here; api/
/// adds HTTP.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/arn.h"
#include "common/clock.h"
#include "common/metrics.h"
#include "common/publisher.h"
#include "common/quotas.h"
#include "common/shard.h"
#include "common/subscriber.h"
#include "common/things.h"
#include "jobs/errc.h"
#include "jobs/model.h"
#include "store/kv/engine.h"

namespace fogbank::jobs {

template <class T>
using Awaitable = boost::asio::awaitable<Result<T>>;

/// A page of a list: JSON of each item.
struct ListPage {
    std::vector<std::string> items;
    std::optional<std::string> next;  ///< where to go on; opaque
};
struct ListRequest {
    std::optional<std::string> start;  ///< `next` of the page before
    std::size_t items_max = 250;
    std::string status;            ///< empty: any
    std::string target_selection;  ///< empty: any; jobs only
    std::string thing_group;       ///< empty: any; jobs only
};

enum class DeviceOperation : std::uint8_t { get_pending, start_next, describe, update };

struct DeviceRequest {
    DeviceOperation operation = DeviceOperation::get_pending;
    ThingName thing;
    std::string job_id;             ///< of describe and update; `$next` for describe
    std::string body;               ///< JSON object or empty
    bool document_as_text = false;  ///< HTTP: the document is a JSON string
};

struct DeviceAnswer {
    Result<std::string> body;  ///< JSON object, without timestamp and client token
    std::string state_json;    ///< with some errors: the execution as it is
    DeviceAnswer(Result<std::string> answered, std::string state = {}) : body(std::move(answered)), state_json(std::move(state)) {}
};

/// All functions from any thread; awaitables resume on the caller's executor. Callers have been authorized.
class JobService {
  public:
    struct Dependencies {
        store::kv::Engine& engine;
        TopicIndex& topics;
        Publisher& publisher;
        ShardPool& shards;
        ThingDirectory& things;
        const Clock& clock;
        Metrics& metrics;
        ArnFactory arns;
        Quotas quotas;
    };
    virtual ~JobService() = default;

    // Control plane. `body` as received; errors: invalid_request, not_found, already_exists, invalid_state_transition, version_conflict,
    // limit_exceeded, unavailable.

    virtual Awaitable<std::string> create_job(std::string job_id, std::string body) = 0;
    virtual Awaitable<std::string> describe_job(std::string job_id) = 0;
    virtual Awaitable<std::string> job_document(std::string job_id) = 0;
    virtual Awaitable<ListPage> list_jobs(ListRequest request) = 0;
    virtual Awaitable<void> update_job(std::string job_id, std::string body) = 0;
    virtual Awaitable<std::string> cancel_job(std::string job_id, std::string body, bool force) = 0;
    virtual Awaitable<void> delete_job(std::string job_id, bool force) = 0;
    virtual Awaitable<std::string> associate_targets(std::string job_id, std::string body) = 0;
    virtual Awaitable<std::string> describe_execution(std::string job_id, std::string thing, std::optional<std::int64_t> number) = 0;
    virtual Awaitable<ListPage> list_executions_for_job(std::string job_id, ListRequest request) = 0;
    virtual Awaitable<ListPage> list_executions_for_thing(std::string thing, ListRequest request) = 0;
    virtual Awaitable<void> cancel_execution(std::string job_id, std::string thing, std::string body, bool force) = 0;
    virtual Awaitable<void> delete_execution(std::string job_id, std::string thing, std::int64_t number, bool force) = 0;

    /// The devices' side. Errors: invalid_request, not_found, invalid_state_transition, version_conflict, terminal_state, unavailable.
    virtual boost::asio::awaitable<DeviceAnswer> device_request(DeviceRequest request) = 0;

    /// What time brings about: rollouts go on, timers run out, groups have other members. Called every second by the service itself, and by
    /// tests.
    virtual Awaitable<void> run_timers() = 0;

    /// No further request over MQTT is heard and no timer runs.
    virtual void stop() = 0;
};

/// Subscribes to the reserved topics; timers begin with the shards. The shards must not run any more when the service is destroyed.
std::unique_ptr<JobService> make_job_service(JobService::Dependencies dependencies);

}  // namespace fogbank::jobs
