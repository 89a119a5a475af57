/// What rules send to other servers: durable, in order per rule and topic, tried again with back-off, bounded.
///
/// A message's requests are one job: written into the store before the publisher is acknowledged, erased after the last of them has
/// succeeded or failed for good and the error action has been told. So kill -9 loses none, and sends again at most what was under way. Jobs
/// of one rule and topic are done one after the other (in one lane); a dead target holds up its own lanes only, and never a publisher: when
/// the outbox is full a job is refused, which is a failed action. Jobs whose http action has batching wait in their lane until the batch is
/// complete and are sent together; each keeps its own record and its own failures.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/message.h"
#include "common/metrics.h"
#include "common/sigv4_sign.h"
#include "rules/http_client.h"
#include "store/kv/engine.h"

namespace fogbank::rules {

/// Fogbank's own bounds.
inline constexpr std::size_t outbox_jobs_max = 100'000, outbox_bytes_max = 256 << 20;
/// Lanes that are under way at the same time.
inline constexpr std::size_t outbox_lanes_max = 64;
/// Tries of a request to an AWS service or Kafka, and the wait between them (doubled each time). AWS documents no numbers.
inline constexpr int service_tries_max = 8;
inline constexpr std::chrono::milliseconds first_wait{100}, longest_wait{10'000};

/// One HTTP request of an action.
struct OutboundStep {
    std::string sink;  ///< of a service (`sqs`): its URL is looked up when it is sent; empty: `url` is absolute
    std::string url;   ///< absolute, or path and query
    std::string method = "POST";
    std::map<std::string, std::string> headers;
    std::string body;
    std::string sign_service, sign_region;  ///< SigV4; empty: not signed, or the sink's region
    std::string tolerated;                  ///< an answer whose body holds this text is no failure
    std::string failing;                    ///< an answer whose body holds this text is one, whatever its status
};

/// Payloads of several messages leave as one JSON array when the first of these is reached. Source: AWS IoT Developer Guide, "Batching HTTP
/// action messages".
struct OutboundBatch {
    std::chrono::milliseconds open{20};
    std::size_t messages_max = 10, bytes_max = 5120;
    bool across_topics = false;
};

/// What one action of one message sends.
struct OutboundWork {
    enum class Kind : std::uint8_t { service, http, kafka };
    Kind kind = Kind::service;
    std::string action;    ///< `SqsAction`, as AWS logs it
    std::string resource;  ///< queue, bucket, URL
    std::string failure;   ///< begins the error message: `Failed to put S3 object.`
    std::vector<OutboundStep> steps;
    std::string kafka_json;              ///< kind kafka: what actions/kafka.cpp made
    std::optional<OutboundBatch> batch;  ///< kind http: `steps` is one, its body one element of the array
};

/// An action that failed for good, as the error action's payload names it.
struct JobFailure {
    std::string action, resource, message;
};

struct OutboxJob {
    std::string rule;
    bool for_error_action = false;  ///< the work is an error action's: its failure has no further consequence
    std::string trace_id;
    MessagePtr message;
    std::vector<OutboundWork> work;
    std::vector<JobFailure> failures;  ///< of actions that ran before
};
std::string stored_job(const OutboxJob& job);
std::optional<OutboxJob> job_from_store(std::string_view record);

/// Where services are, and how requests to them are signed.
struct SinkDirectory {
    std::map<std::string, Url> urls;  ///< by service: `sqs`
    SigningKey key;                   ///< empty: requests are not signed
    std::string region;
    bool has(const std::string& service) const { return urls.contains(service); }
};
/// @param sinks  `<service>=<url>` each. Errors: invalid_request.
Result<SinkDirectory> make_sink_directory(const std::vector<std::string>& sinks, SigningKey key, std::string region);
/// A step as a request, signed.
Result<HttpRequest> request_of(const OutboundStep& step, const SinkDirectory& sinks, WallTime now);

/// Sends one Kafka record; resumes when the brokers have confirmed it, or have not in time. Implemented by actions/kafka.cpp.
class KafkaSender {
  public:
    virtual ~KafkaSender() = default;
    virtual boost::asio::awaitable<Result<void>> send(std::string kafka_json) = 0;
};

class Outbox {
  public:
    struct Dependencies {
        store::kv::Engine& engine;
        HttpClient& http;
        KafkaSender* kafka = nullptr;
        const SinkDirectory& sinks;
        const Clock& clock;
        Metrics& metrics;
    };
    /// Called on the outbox's thread when a job's work is over, before it is erased; `done` must be called once, on any thread: the job is
    /// then erased.
    using Finished = std::function<void(std::shared_ptr<const OutboxJob> job, UniqueFunction<void()> done)>;

    virtual ~Outbox() = default;
    /// `done` comes when the job is durable. Any thread. Errors: unavailable when the outbox is full; the engine's.
    virtual void add(OutboxJob job, store::kv::CommitHandler done) = 0;
    /// Runs a coroutine on the outbox's thread, for what else speaks HTTP (confirmations).
    virtual void spawn(std::function<boost::asio::awaitable<void>()> task) = 0;
    /// Takes up the stored jobs and begins. Call once.
    virtual void start(std::vector<std::pair<std::uint64_t, OutboxJob>> stored, Finished finished) = 0;
    /// What is under way is tried again after the next start. Joins the thread.
    virtual void stop() = 0;

    virtual std::size_t jobs() const = 0;
    virtual std::size_t bytes() const = 0;
    /// Tries that failed and will be repeated; requests that were given up.
    virtual std::uint64_t retries() const = 0;
    virtual std::uint64_t given_up() const = 0;
};

std::unique_ptr<Outbox> make_outbox(Outbox::Dependencies dependencies);
/// The stored jobs, oldest first. Records that cannot be read are logged and left out.
boost::asio::awaitable<Result<std::vector<std::pair<std::uint64_t, OutboxJob>>>> stored_jobs(store::kv::Engine& engine);

}  // namespace fogbank::rules
