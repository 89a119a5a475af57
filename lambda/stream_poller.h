/// Reads one stream for one event source mapping and invokes its function.
///
/// The life of a batch: read from the checkpoint on → filtered → gathered until there are BatchSize records or the batching window is over
/// → invoked, again after a while when it fails → checkpoint committed. Everything in here runs on the room's stream thread but what says
/// otherwise.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/function.h"
#include "common/metrics.h"
#include "common/random.h"
#include "lambda/event_filter.h"
#include "lambda/event_sources.h"
#include "lambda/invocation_policy.h"
#include "lambda/stream_batch.h"
#include "lambda/timers.h"
#include "store/kv/engine.h"
#include "store/table/streams.h"

namespace fogbank::lambda {

class StreamPoller : public std::enable_shared_from_this<StreamPoller> {
  public:
    /// References outlive the poller's run.
    struct Dependencies {
        FunctionService& functions;
        store::kv::Engine& engine;
        store::table::Streams& streams;
        const Clock& clock;
        RandomSource& random;
        Timers& timers;
        boost::asio::io_context& io;
        std::string region;
        StreamPolicy policy;
        Counter& batches;
        Counter& failures;
        Counter& dropped;
    };
    /// @param latest  where a new mapping with LATEST begins: an iterator, used until there is a checkpoint.
    StreamPoller(const Dependencies& dependencies, EventSourceMapping mapping, std::optional<std::string> latest);

    /// Any thread; once.
    void start();
    /// Any thread. `done` is called when no batch is begun any more as the mapping was before; one that runs goes on.
    void change(EventSourceMapping mapping, UniqueFunction<void(bool)> done);
    /// Any thread. Begins no other invocation; one that succeeds meanwhile still moves the checkpoint.
    void end();
    /// Any thread.
    std::string last_result() const;

  private:
    using Done = boost::asio::awaitable<Result<void>>;
    /// Records of the buffer that are invoked together.
    struct Part {
        std::size_t begin = 0, end = 0;
        std::int64_t attempts = 0;  ///< that failed
    };

    static boost::asio::awaitable<void> run(std::shared_ptr<StreamPoller> self);
    boost::asio::awaitable<void> poll();
    Done locate();
    Done read_more(std::size_t limit);
    Done gather();
    void absorb(const store::table::StreamRecord& record);
    Done deliver();
    boost::asio::awaitable<Result<bool>> drop_expired(Part& part);
    Done try_part(std::deque<Part>& parts);
    Done give_up(std::size_t begin, std::size_t end, std::string_view condition, std::int64_t attempts, const InvocationResult* last);
    Done checkpoint(std::string sequence_number);
    bool split(std::deque<Part>& parts) const;

    bool interrupted() const { return ended_ || revision_ != working_on_; }
    void take_filters();
    void note(std::string result);
    void wake();
    boost::asio::awaitable<void> pause(std::optional<std::chrono::milliseconds> at_most);
    boost::asio::awaitable<void> rest();

    const Dependencies dependencies_;
    EventSourceMapping mapping_;
    std::vector<EventFilter> filters_;
    std::optional<std::string> latest_;
    std::string shard_id_;
    std::optional<std::string> iterator_;  ///< none: the shard is closed and read
    std::vector<StreamedRecord> buffer_;
    std::size_t buffered_bytes_ = 0;
    std::string read_to_;             ///< the last record read, wanted or not; empty: none since the checkpoint
    WallTime skip_before_{};          ///< LATEST without its iterator: what is older is not for this mapping
    unsigned failures_in_a_row_ = 0;  ///< decides how long to rest
    std::uint64_t revision_ = 1, working_on_ = 0;
    bool ended_ = false;
    bool woken_ = false;
    boost::asio::steady_timer signal_;
    store::table::StreamWatch watch_;

    mutable std::mutex mutex_;
    std::string last_result_ = "No records processed";
};

}  // namespace fogbank::lambda
