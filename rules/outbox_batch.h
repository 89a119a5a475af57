/// Which jobs of a lane leave together, and what they then send: the batching of the http action. No I/O.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "rules/outbox.h"

namespace fogbank::rules {

struct QueuedJob {
    std::uint64_t number = 0;
    std::size_t bytes = 0;
    std::chrono::steady_clock::time_point since{};
    std::shared_ptr<OutboxJob> job;
};

/// The lane of a job: its rule and topic; with batching its rule and URLs, and the topic unless batches go across topics.
std::string lane_of(const OutboxJob& job);

/// How long the first job of a batch waits for others; nothing: it is sent at once and alone.
std::optional<std::chrono::milliseconds> opening_time(const OutboxJob& job);

struct JobsTogether {
    std::size_t jobs = 1;
    bool complete = false;  ///< nothing more may join
};
/// @param queue  not empty; jobs join the first one in their order.
JobsTogether jobs_together(const std::deque<QueuedJob>& queue);

/// Work number `index` of all jobs as one: a JSON array of the bodies, with the headers of the last. All must have batching there.
OutboundWork combined_work(const std::vector<QueuedJob>& jobs, std::size_t index);

}  // namespace fogbank::rules
