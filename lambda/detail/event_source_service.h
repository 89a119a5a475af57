/// The service behind EventSources: the mappings and the thread that their pollers run on.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "common/arn.h"
#include "lambda/event_sources.h"
#include "lambda/stream_poller.h"

namespace fogbank::lambda {

class EventSourceService final : public EventSources {
  public:
    struct Dependencies {
        FunctionService& functions;
        store::kv::Engine& engine;
        store::table::Streams* streams;  ///< null: every call that needs one is refused
        const Clock& clock;
        RandomSource& random;
        Timers& timers;
        Metrics& metrics;
        ArnFactory arns;
        StreamPolicy policy;
    };
    explicit EventSourceService(const Dependencies& dependencies);
    ~EventSourceService() override { stop(); }

    /// Reads what is stored. Once, before everything else.
    boost::asio::awaitable<Result<void>> load();
    /// Begins to poll.
    void start();
    /// No other batch is begun. Then let running invocations end, then `stop`.
    void end();
    /// Joins the thread; returns when every invocation of a poller has been answered. Idempotent.
    void stop();

    Answer<EventSourceMapping> create(CreateEventSourceRequest request) override;
    Answer<EventSourceMapping> get(std::string id) override;
    Answer<std::vector<EventSourceMapping>> list() override;
    Answer<EventSourceMapping> update(std::string id, EventSourceSettings settings) override;
    Answer<EventSourceMapping> remove(std::string id) override;

  private:
    struct Entry {
        EventSourceMapping mapping;
        std::shared_ptr<StreamPoller> poller;
    };
    /// What nobody else may make while a mapping is being made or changed: a function and a stream, or an id.
    class Claim;

    StreamPoller::Dependencies poller_dependencies();
    boost::asio::awaitable<Result<void>> apply(EventSourceSettings settings, EventSourceMapping& mapping);
    boost::asio::awaitable<Result<std::optional<std::string>>> find_start(const EventSourceMapping& mapping);
    Result<std::unique_ptr<Claim>> claim_pair(const EventSourceMapping& mapping);
    std::optional<Entry> find(const std::string& id) const;
    void keep(EventSourceMapping mapping, std::optional<std::string> latest);

    const Dependencies dependencies_;
    Counter& batches_;
    Counter& failures_;
    Counter& dropped_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    std::thread thread_;

    mutable std::mutex mutex_;  ///< guards what follows
    std::map<std::string, Entry> entries_;
    std::set<std::string> claims_;
    bool started_ = false, ended_ = false;
};

}  // namespace fogbank::lambda
