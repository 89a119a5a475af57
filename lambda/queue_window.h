/// The part of the asynchronous queue that is in memory: which events are known, which of them are ready, and how much there is of
/// everything.
///
/// Every event is in the store. Those that fit into the window are here as well, from before their commit until after their erasure, so
/// that whoever reads the store can tell events that somebody takes care of from those that nobody does. No I/O, no threads: the queue
/// holds its lock around every call.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "common/ids.h"
#include "lambda/invocation_policy.h"

namespace fogbank::lambda {

struct QueueEntry;

/// The events of one function.
struct QueueLane {
    explicit QueueLane(FunctionName name) : function(std::move(name)) {}
    const FunctionName function;
    bool forgotten = false;  ///< the function was deleted; its entries concern nobody any more
    std::deque<std::shared_ptr<QueueEntry>> ready;
    bool in_turn = false;                               ///< stands in the window's round
    std::string resume;                                 ///< if not empty: the first key of the store that did not fit
    std::size_t backlog_events = 0, backlog_bytes = 0;  ///< accepted and not finished, wherever they are
    std::size_t window_events = 0, window_bytes = 0;    ///< in the window
};

struct QueueEntry {
    std::string key;  ///< the store's
    std::shared_ptr<QueueLane> lane;
    std::string request_id, qualifier;
    std::uint64_t accepted_ms = 0;  ///< since the Unix epoch
    std::shared_ptr<const std::string> event;
    unsigned attempts = 0;   ///< failed so far
    unsigned throttles = 0;  ///< in a row
    std::size_t bytes() const { return key.size() + event->size() + 64; }
};
using QueueEntryPtr = std::shared_ptr<QueueEntry>;

class QueueWindow {
  public:
    explicit QueueWindow(const InvocationPolicy& policy) : policy_(policy) {}
    ~QueueWindow();
    QueueWindow(const QueueWindow&) = delete;
    QueueWindow& operator=(const QueueWindow&) = delete;

    std::shared_ptr<QueueLane> lane(const FunctionName& function);
    /// The function was deleted: its entries leave the window and the backlog.
    void forget(const FunctionName& function);

    /// Whether the backlog's bounds allow one more event.
    bool accepts(std::size_t bytes) const;
    void count(const QueueEntry& entry);
    void uncount(const QueueEntry& entry);
    std::size_t backlog_events() const { return backlog_events_; }

    /// Takes the entry in if the window and the function's half of it have room. An empty window takes any entry.
    bool reserve(const QueueEntryPtr& entry);
    void release(const QueueEntry& entry);
    /// Whether the entry with this key is here, or left while a scan was under way: the scan may still see it.
    bool is_known(const std::string& key) const { return entries_.contains(key) || left_.contains(key); }
    /// Less than half full: worth reading the store for more.
    bool has_room() const;
    bool is_full() const { return entries_.size() >= policy_.window_events_max || bytes_ >= policy_.window_bytes_max; }

    void begin_scan() { scanning_ = true; }
    void end_scan();

    void push_ready(const QueueEntryPtr& entry);
    /// The next entry to run, functions in turn. Nothing if none is ready.
    QueueEntryPtr take_ready();

  private:
    const InvocationPolicy& policy_;
    std::map<FunctionName, std::shared_ptr<QueueLane>> lanes_;
    std::deque<std::shared_ptr<QueueLane>> turns_;  ///< lanes with something ready
    std::unordered_map<std::string, QueueEntryPtr> entries_;
    std::unordered_set<std::string> left_;
    bool scanning_ = false;
    std::size_t bytes_ = 0;
    std::size_t backlog_events_ = 0, backlog_bytes_ = 0;
};

}  // namespace fogbank::lambda
