/// The shadows of one shard: their requests in order, their commits, and what is remembered of them.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/shard.h"
#include "shadow/detail/notices.h"

namespace fogbank::shadow::detail {

/// Requests taken and not yet answered, over all shards, and the bytes of their payloads; beyond, requests are refused with 429.
inline constexpr std::size_t requests_under_way_max = 50'000;
inline constexpr std::size_t bytes_under_way_max = 64 << 20;
/// Requests of one shadow that are committed together at most.
inline constexpr std::size_t requests_per_commit_max = 512;
/// Bytes of records of idle shadows that a lane remembers; their trees take some five times as much.
inline constexpr std::size_t remembered_bytes_max = 8 << 20;
/// Commits tried before giving up against other writers of the store.
inline constexpr int attempts_max = 16;

/// Shared by the lanes.
struct Surroundings {
    store::kv::Engine& engine;
    const Clock& clock;
    const Notices& notices;
    const Limits limits;
    std::atomic<std::size_t> requests_under_way{0}, bytes_under_way{0};
    std::atomic<bool> sweeping{false};
};

/// All functions on the shard's thread. Owned by the service; outlives what it has started, because the shard stops first.
class Lane {
  public:
    Lane(Shard& shard, Surroundings& surroundings) : shard_(shard), surroundings_(surroundings) {}
    Shard& shard() { return shard_; }

    /// Counted among the requests under way already.
    void take(Request request);

  private:
    /// A shadow with requests, or one remembered from the last. Busy: a batch of requests is being carried out.
    struct Entry {
        std::string key;
        ShadowName name;
        std::deque<Request> waiting;
        bool busy = false;
        bool fresh = false;  ///< `known` was read after the requests of the batch were taken
        int attempts = 0;
        std::vector<Request> batch;
        std::vector<Outcome> outcomes;
        std::optional<Stored> known;  ///< may be out of date, where there are other writers

        bool committing = false;
        std::optional<Stored> next;  ///< what is being committed, unless `ahead` goes on from it
        // Requests that came meanwhile, carried out as if the commit had succeeded; they are committed next.
        std::optional<Work> ahead;
        std::vector<Request> ahead_batch;
        std::vector<Outcome> ahead_outcomes;

        std::list<Entry*>::iterator place;  ///< among the idle ones
        bool idle = false;
        Wanted wanted;  ///< as the audience was at its generation `wanted_since`
        std::uint64_t wanted_since = 0;
    };

    bool admit(const Request& request);
    void release(const Request& request);
    void pump(Entry& entry);
    void start_load(Entry& entry);
    boost::asio::awaitable<void> load(Entry& entry);
    void loaded(Entry& entry, Result<std::optional<std::string>> bytes);
    void work(Entry& entry);
    Outcome apply(Work& work, Entry& entry, Request& request) const;
    void submit(Entry& entry, Work work);
    void work_ahead(Entry& entry);
    void go_on_with_ahead(Entry& entry);
    void put_back_ahead(Entry& entry);
    void tell(std::vector<Request> batch, std::vector<Outcome> outcomes);
    Wanted wanted(Entry& entry) const;
    void committed(Entry& entry, const Result<void>& result, bool deleted);
    void fail(Entry& entry, const Error& error);
    void finish(Entry& entry);
    void settle(Entry& entry);
    void forget(Entry& entry);
    void start_sweep();
    boost::asio::awaitable<void> sweep();

    Shard& shard_;
    Surroundings& surroundings_;
    std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;
    std::list<Entry*> idle_;  ///< the one used last is first
    std::size_t remembered_bytes_ = 0;
    std::unordered_map<std::string, std::size_t> inflight_;  ///< by connection and thing
};

}  // namespace fogbank::shadow::detail
