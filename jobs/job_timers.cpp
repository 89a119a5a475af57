// What time brings about.
#include <spdlog/spdlog.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/logging.h"
#include "jobs/detail/service.h"

namespace fogbank::jobs::detail {
namespace {

namespace asio = boost::asio;
namespace kv = store::kv;

constexpr std::chrono::seconds tick_interval{1};

}  // namespace

asio::awaitable<void> Service::tick() {
    while (!stopped_) {
        timer_.expires_after(tick_interval);
        boost::system::error_code ignored;
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        if (stopped_) co_return;
        const auto done = co_await run_timers();
        if (!done && !stopped_) logger("jobs").warn("timers failed reason={}", log_value(done.error().message));
    }
}

Awaitable<void> Service::run_timers() {
    for (bool more = true; more;) {
        // A look that costs no transaction: mostly nothing is due.
        kv::ScanOptions due;
        due.range = timers_until(now_ms() / 1000);
        due.items_max = 1;
        const auto page = co_await dependencies_.engine.scan(std::move(due));
        if (!page) co_return unavailable(page.error());
        if (page->items.empty()) break;
        const auto again = std::make_shared<bool>(false);
        Body expire = [again](JobTable& table, Changes& changes) -> Result<void> {
            const auto left = time_out(table, changes);
            if (!left) return left.error();
            *again = *left;
            return {};
        };
        const auto done = co_await change(std::move(expire));
        if (!done) co_return done.error();
        more = *again;
    }
    kv::ScanOptions active;
    active.range = active_jobs();
    active.items_max = 1000;
    const auto page = co_await dependencies_.engine.scan(std::move(active));
    if (!page) co_return unavailable(page.error());
    for (std::size_t i = 0; i < page->items.size(); ++i) {
        const auto job_id = last_part(page->items[i].key);
        if (!job_id) continue;
        auto job = co_await find_job(*job_id);
        if (!job) co_return job.error();
        if (!*job) continue;
        const bool idle = (*job)->status == JobStatus::in_progress && (*job)->waiting == 0;
        if ((*job)->status == JobStatus::in_progress && (*job)->continuous && !(*job)->groups.empty()) {
            Job current = std::move(**job);
            const auto followed = co_await follow_groups(std::move(current));
            if (!followed) co_return followed.error();
        } else if (idle) {
            continue;
        }
        const auto advanced = co_await advance(*job_id);
        if (!advanced) co_return advanced.error();
    }
    co_return Result<void>();
}

/// Steps of a job until none is due; each step is one transaction.
Awaitable<void> Service::advance(std::string job_id) {
    const auto cursor = std::make_shared<std::string>();
    const auto more = std::make_shared<bool>(true);
    while (*more) {
        Body next = [job_id, cursor, more](JobTable& table, Changes& changes) -> Result<void> {
            std::string at = *cursor;
            const auto left = step(table, changes, job_id, at);
            if (!left) return left.error();
            *more = *left;
            *cursor = std::move(at);
            return {};
        };
        const auto done = co_await change(std::move(next));
        if (!done) co_return done.error();
    }
    co_return Result<void>();
}

/// New members of a continuous job's groups get the job; an execution that is not over is removed when its thing is a target no more.
Awaitable<void> Service::follow_groups(Job job) {
    std::set<std::string> now(job.things.begin(), job.things.end());
    for (std::size_t i = 0; i < job.groups.size(); ++i) {
        const auto members = co_await dependencies_.things.things_in_group(job.groups[i]);
        if (!members) continue;  // the group is gone: nobody is in it
        for (const ThingName& member : *members) now.insert(member.str());
    }
    const auto known = members_.find(job.id);
    if (known != members_.end() && known->second == now) co_return Result<void>();
    Body follow = [job_id = job.id, now](JobTable& table, Changes& changes) -> Result<void> {
        auto current = table.job(job_id);
        if (!current) return current.error();
        kv::ScanOptions options;
        options.range = executions_of_job(job_id);
        std::set<std::string> have;
        while (true) {
            const auto page = table.transaction().scan(options);
            if (!page) return page.error();
            for (const kv::KeyValue& item : page->items) {
                const auto execution = decode_execution(item.value);
                if (!execution) return execution.error();
                // Who left and comes back gets the job again.
                if (execution->status != Status::removed) have.insert(execution->thing);
                if (is_terminal(execution->status) || now.contains(execution->thing)) continue;
                if (auto moved = move(table, changes, *current, *execution, Status::removed); !moved) return moved.error();
            }
            if (!page->more || page->items.empty()) break;
            options.range.begin = page->items.back().key + '\0';
        }
        for (const std::string& thing : now) {
            const std::string key = waiting_key(job_id, thing);
            const auto waits = table.transaction().get(key);
            if (!waits) return waits.error();
            if (have.contains(thing) || *waits) continue;
            table.transaction().put(key, "");
            ++current->waiting;
        }
        table.put(*current);
        return {};
    };
    const auto done = co_await change(std::move(follow));
    if (!done) co_return done.error();
    members_[job.id] = std::move(now);
    co_return Result<void>();
}

}  // namespace fogbank::jobs::detail
