#include "rules/outbox_batch.h"

#include <algorithm>

namespace fogbank::rules {
namespace {

/// Topics of one rule share this many lanes where nothing is batched.
constexpr std::size_t lanes_per_rule = 64;

bool across_topics(const OutboxJob& job) {
    return std::all_of(job.work.begin(), job.work.end(), [](const OutboundWork& work) { return work.batch && work.batch->across_topics; });
}

/// Whether `next` can join `first`: the same actions to the same URLs. The rule may have been replaced between them.
bool can_join(const OutboxJob& first, const OutboxJob& next) {
    if (first.work.size() != next.work.size()) return false;
    for (std::size_t i = 0; i < first.work.size(); ++i) {
        const OutboundWork& a = first.work[i];
        const OutboundWork& b = next.work[i];
        if (a.batch.has_value() != b.batch.has_value() || a.kind != b.kind) return false;
        if (!a.batch) continue;
        const OutboundStep& x = a.steps[0];
        const OutboundStep& y = b.steps[0];
        if (x.url != y.url || x.sign_service != y.sign_service || x.sign_region != y.sign_region) return false;
    }
    return true;
}

/// Adds what `job` takes of each batch; false if that is more than a batch may hold.
bool add_bytes(const OutboxJob& job, std::vector<std::size_t>& bytes) {
    bool fits = true;
    for (std::size_t i = 0; i < job.work.size(); ++i) {
        if (!job.work[i].batch) continue;
        bytes[i] += job.work[i].steps[0].body.size() + 1;  // with its comma or the opening bracket
        fits = fits && bytes[i] + 1 <= job.work[i].batch->bytes_max;
    }
    return fits;
}

}  // namespace

std::string lane_of(const OutboxJob& job) {
    const std::string end = job.for_error_action ? "/e" : "";
    if (!opening_time(job)) {
        return job.rule + "/" + std::to_string(std::hash<std::string_view>()(job.message->topic_name()) % lanes_per_rule) + end;
    }
    std::string name = job.rule + "/b";
    for (const OutboundWork& work : job.work) {
        if (work.batch) name += " " + work.steps[0].url;
    }
    return (across_topics(job) ? name : name + " " + std::string(job.message->topic_name())) + end;
}

std::optional<std::chrono::milliseconds> opening_time(const OutboxJob& job) {
    std::optional<std::chrono::milliseconds> shortest;
    for (const OutboundWork& work : job.work) {
        if (work.batch) shortest = std::min(shortest.value_or(work.batch->open), work.batch->open);
    }
    return shortest;
}

JobsTogether jobs_together(const std::deque<QueuedJob>& queue) {
    const OutboxJob& first = *queue.front().job;
    JobsTogether together;
    std::size_t most = queue.size() + 1;
    for (const OutboundWork& work : first.work) {
        if (work.batch) most = std::min(most, work.batch->messages_max);
    }
    if (!opening_time(first)) most = 1;
    std::vector<std::size_t> bytes(first.work.size(), 0);
    together.complete = !add_bytes(first, bytes) || most <= 1;
    while (!together.complete && together.jobs < queue.size()) {
        const OutboxJob& next = *queue[together.jobs].job;
        together.complete = !can_join(first, next) || !add_bytes(next, bytes);
        if (together.complete) break;
        ++together.jobs;
        together.complete = together.jobs >= most;
    }
    return together;
}

OutboundWork combined_work(const std::vector<QueuedJob>& jobs, std::size_t index) {
    OutboundWork combined = jobs.back().job->work[index];
    std::string body = "[";
    for (const QueuedJob& one : jobs) body += (body.size() > 1 ? "," : "") + one.job->work[index].steps[0].body;
    combined.steps[0].body = body + "]";
    return combined;
}

}  // namespace fogbank::rules
