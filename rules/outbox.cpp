#include "rules/outbox.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <thread>

#include "common/logging.h"
#include "rules/errc.h"
#include "rules/outbox_batch.h"
#include "store/kv/key.h"

namespace fogbank::rules {
namespace {

namespace asio = boost::asio;
namespace kv = store::kv;

constexpr std::string_view room = "rule-outbox";
/// Reference "rules", section 6: the http action's tries, and the time of all of them together.
constexpr int http_tries_max = 3;
constexpr std::chrono::milliseconds http_time_max{3000};
constexpr std::size_t http_answer_bytes_max = 16'384;

std::string job_key(std::uint64_t number) {
    return kv::KeyBuilder(room).number(number).str();
}

bool is_transient(const HttpAnswer& answer) {
    if (answer.status == 429 || answer.status >= 500) return true;
    // What AWS services answer with 400 and mean "later".
    constexpr std::array<std::string_view, 4> later{"Throttling", "ProvisionedThroughputExceeded", "RequestLimitExceeded",
                                                    "TooManyRequests"};
    return answer.status == 400 &&
           std::any_of(later.begin(), later.end(), [&](auto text) { return answer.body.find(text) != std::string::npos; });
}

/// The first part of an answer, for error messages.
std::string shortened(const std::string& text) {
    constexpr std::size_t shown_bytes_max = 300;
    return text.size() <= shown_bytes_max ? text : text.substr(0, shown_bytes_max) + "…";
}

class Box final : public Outbox {
  public:
    explicit Box(Dependencies dependencies)
        : dependencies_(dependencies),
          retries_total_(dependencies.metrics.counter("fogbank_rules_outbox_retries_total", "Requests of rules that are tried again.", "")),
          given_up_total_(
              dependencies.metrics.counter("fogbank_rules_outbox_given_up_total", "Requests of rules that failed for good.", "")),
          jobs_gauge_(dependencies.metrics.gauge("fogbank_rules_outbox_jobs", "Messages that wait to be sent to other servers.", "")),
          bytes_gauge_(dependencies.metrics.gauge("fogbank_rules_outbox_bytes", "Bytes of the messages that wait to be sent.", "")) {}
    ~Box() override { Box::stop(); }

    void add(OutboxJob job, kv::CommitHandler done) override;
    void spawn(std::function<asio::awaitable<void>()> task) override {
        asio::co_spawn(
            io_, [](std::function<asio::awaitable<void>()> run) -> asio::awaitable<void> { co_await run(); }(std::move(task)),
            asio::detached);
    }
    void start(std::vector<std::pair<std::uint64_t, OutboxJob>> stored, Finished finished) override;
    void stop() override;
    std::size_t jobs() const override { return jobs_; }
    std::size_t bytes() const override { return bytes_; }
    std::uint64_t retries() const override { return retries_; }
    std::uint64_t given_up() const override { return given_up_; }

  private:
    struct Lane {
        std::deque<QueuedJob> queue;
        bool running = false;                         ///< in line, under way or waiting for more
        std::shared_ptr<asio::steady_timer> opening;  ///< while its first batch waits for more
    };

    void count_in(std::int64_t jobs, std::int64_t bytes);

    // On the outbox's thread only.
    void enqueue(QueuedJob queued);
    void run_ready();
    asio::awaitable<void> run_lane(std::string name);
    void schedule(const std::string& name, Lane& lane);
    void into_line(const std::string& name);
    asio::awaitable<void> run_jobs(const std::vector<QueuedJob>& jobs);
    asio::awaitable<void> run_together(const std::vector<QueuedJob>& jobs, std::size_t index);
    void give_up(OutboxJob& job, const OutboundWork& work, const std::string& failure);
    asio::awaitable<std::optional<std::string>> do_work(const OutboundWork& work);
    asio::awaitable<std::optional<std::string>> do_kafka(const OutboundWork& work);
    asio::awaitable<std::optional<std::string>> do_step(const OutboundWork& work, const OutboundStep& step);
    asio::awaitable<void> wait_before(int next_try);
    asio::awaitable<void> tell_finished(std::shared_ptr<OutboxJob> job);

    Dependencies dependencies_;
    Counter &retries_total_, &given_up_total_;
    Gauge &jobs_gauge_, &bytes_gauge_;
    std::atomic<std::uint64_t> next_number_{1}, retries_{0}, given_up_{0};
    std::atomic<std::size_t> jobs_{0}, bytes_{0};
    std::atomic<bool> stopped_{false};
    asio::io_context io_{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> keep_running_;
    std::thread thread_;
    Finished finished_;
    std::map<std::string, Lane> lanes_;
    std::deque<std::string> ready_;
    std::size_t running_ = 0;
};

void Box::count_in(std::int64_t jobs, std::int64_t bytes) {
    jobs_ += static_cast<std::size_t>(jobs);
    bytes_ += static_cast<std::size_t>(bytes);
    jobs_gauge_.add(jobs);
    bytes_gauge_.add(bytes);
}

void Box::add(OutboxJob job, kv::CommitHandler done) {
    std::string record = stored_job(job);
    QueuedJob queued;
    queued.bytes = record.size();
    queued.job = std::make_shared<OutboxJob>(std::move(job));
    const auto bytes = static_cast<std::int64_t>(queued.bytes);
    count_in(1, bytes);
    if (jobs_ > outbox_jobs_max || bytes_ > outbox_bytes_max || stopped_) {
        count_in(-1, -bytes);
        return done(Error(Errc::unavailable, stopped_ ? "the server is stopping" : "the queue of outbound requests is full"));
    }
    queued.number = next_number_.fetch_add(1);
    kv::Batch batch;
    batch.put(job_key(queued.number), std::move(record));
    dependencies_.engine.commit(std::move(batch), [this, queued = std::move(queued), done = std::move(done)](Result<void> result) mutable {
        if (result) {
            asio::post(io_, [this, queued = std::move(queued)]() mutable { enqueue(std::move(queued)); });
        } else {
            count_in(-1, -static_cast<std::int64_t>(queued.bytes));
        }
        done(std::move(result));
    });
}

void Box::start(std::vector<std::pair<std::uint64_t, OutboxJob>> stored, Finished finished) {
    finished_ = std::move(finished);
    for (auto& [number, job] : stored) {
        QueuedJob queued;
        queued.number = number;
        queued.bytes = job.message->payload().size();
        queued.job = std::make_shared<OutboxJob>(std::move(job));
        count_in(1, static_cast<std::int64_t>(queued.bytes));
        next_number_ = std::max(next_number_.load(), number + 1);
        enqueue(std::move(queued));
    }
    keep_running_.emplace(io_.get_executor());
    thread_ = std::thread([this] { io_.run(); });
}

void Box::stop() {
    stopped_ = true;
    io_.stop();
    if (thread_.joinable()) thread_.join();
}

void Box::enqueue(QueuedJob queued) {
    const std::string name = lane_of(*queued.job);
    queued.since = std::chrono::steady_clock::now();
    Lane& lane = lanes_[name];
    lane.queue.push_back(std::move(queued));
    if (!lane.running) {
        lane.running = true;
        schedule(name, lane);
    } else if (lane.opening && jobs_together(lane.queue).complete) {
        into_line(name);
    }
}

/// A lane that has work comes into line: at once, or when its batch is complete or has been open long enough.
void Box::schedule(const std::string& name, Lane& lane) {
    const auto open = opening_time(*lane.queue.front().job);
    const auto end = lane.queue.front().since + open.value_or(std::chrono::milliseconds(0));
    if (!open || end <= std::chrono::steady_clock::now() || jobs_together(lane.queue).complete) return into_line(name);
    lane.opening = std::make_shared<asio::steady_timer>(io_, end);
    const std::weak_ptr<asio::steady_timer> waiting = lane.opening;
    lane.opening->async_wait([this, name, waiting](const boost::system::error_code&) {
        // Nobody else ends this opening but a batch that was complete earlier, which drops the timer.
        if (waiting.lock()) into_line(name);
    });
}

void Box::into_line(const std::string& name) {
    lanes_[name].opening.reset();
    ready_.push_back(name);
    run_ready();
}

void Box::run_ready() {
    while (!ready_.empty() && running_ < outbox_lanes_max) {
        ++running_;
        std::string name = std::move(ready_.front());
        ready_.pop_front();
        asio::co_spawn(io_, run_lane(std::move(name)), asio::detached);
    }
}

/// One job or batch, then the lane goes to the end of the line: a busy lane must not keep others waiting.
asio::awaitable<void> Box::run_lane(std::string name) {
    const auto& queue = lanes_[name].queue;
    const auto count = static_cast<std::ptrdiff_t>(jobs_together(queue).jobs);
    const std::vector<QueuedJob> jobs(queue.begin(), queue.begin() + count);
    co_await run_jobs(jobs);
    kv::Batch batch;
    for (const QueuedJob& one : jobs) batch.erase(job_key(one.number));
    const auto erased = co_await dependencies_.engine.commit(std::move(batch));
    if (!erased) logger("rules").error("outbound jobs are done and cannot be erased reason={}", log_value(erased.error().message));
    for (const QueuedJob& one : jobs) count_in(-1, -static_cast<std::int64_t>(one.bytes));
    Lane& lane = lanes_[name];
    lane.queue.erase(lane.queue.begin(), lane.queue.begin() + count);
    --running_;
    if (lane.queue.empty()) {
        lanes_.erase(name);
    } else {
        schedule(name, lane);
    }
    run_ready();
}

/// The actions in their order; a batched one is sent once for all jobs, the others job by job.
asio::awaitable<void> Box::run_jobs(const std::vector<QueuedJob>& jobs) {
    for (std::size_t i = 0; i < jobs[0].job->work.size(); ++i) {
        if (jobs[0].job->work[i].batch) {
            co_await run_together(jobs, i);
            continue;
        }
        for (const QueuedJob& one : jobs) {
            const auto failure = co_await do_work(one.job->work[i]);
            if (failure) give_up(*one.job, one.job->work[i], *failure);
        }
    }
    for (const QueuedJob& one : jobs) co_await tell_finished(one.job);
}

asio::awaitable<void> Box::run_together(const std::vector<QueuedJob>& jobs, std::size_t index) {
    const OutboundWork combined = combined_work(jobs, index);
    const auto failure = co_await do_work(combined);
    if (!failure) co_return;
    for (const QueuedJob& one : jobs) give_up(*one.job, combined, *failure);
}

void Box::give_up(OutboxJob& job, const OutboundWork& work, const std::string& failure) {
    given_up_ += 1;
    given_up_total_.add();
    job.failures.push_back({work.action, work.resource, failure});
}

asio::awaitable<void> Box::tell_finished(std::shared_ptr<OutboxJob> job) {
    auto timer = std::make_shared<asio::steady_timer>(io_, asio::steady_timer::time_point::max());
    finished_(job, [timer, this] { asio::post(io_, [timer] { timer->cancel(); }); });
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> Box::wait_before(int next_try) {
    retries_ += 1;
    retries_total_.add();
    auto wait = first_wait;
    for (int i = 1; i < next_try && wait < longest_wait; ++i) wait *= 2;
    asio::steady_timer timer(io_, std::min(wait, longest_wait));
    co_await timer.async_wait(asio::use_awaitable);
}

/// Nothing for success, otherwise the error message.
asio::awaitable<std::optional<std::string>> Box::do_work(const OutboundWork& work) {
    if (work.kind == OutboundWork::Kind::kafka) {
        auto failure = co_await do_kafka(work);
        co_return failure;
    }
    for (const OutboundStep& step : work.steps) {
        auto failure = co_await do_step(work, step);
        if (failure) co_return failure;
    }
    co_return std::nullopt;
}

asio::awaitable<std::optional<std::string>> Box::do_kafka(const OutboundWork& work) {
    std::string why = "there is no Kafka client";
    for (int tries = 1; dependencies_.kafka != nullptr; ++tries) {
        const auto sent = co_await dependencies_.kafka->send(work.kafka_json);
        if (sent) co_return std::nullopt;
        why = sent.error().message;
        if (tries == service_tries_max || sent.error().code != Errc::unavailable) break;
        co_await wait_before(tries);
    }
    std::string failure = work.failure + " " + why;
    co_return failure;
}

asio::awaitable<std::optional<std::string>> Box::do_step(const OutboundWork& work, const OutboundStep& step) {
    const bool http = work.kind == OutboundWork::Kind::http;
    const SteadyTime end = dependencies_.clock.steady() + http_time_max;
    std::string failure;
    for (int tries = 1;; ++tries) {
        auto request = request_of(step, dependencies_.sinks, dependencies_.clock.now());
        if (!request) co_return work.failure + " " + request.error().message;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - dependencies_.clock.steady());
        if (http) {
            request->timeout = std::max(left, std::chrono::milliseconds(1));
            request->answer_bytes_max = http_answer_bytes_max;
        }
        const auto answer = co_await dependencies_.http.send(std::move(*request));
        bool again = true;
        if (!answer) {
            failure = work.failure + " " + answer.error().message;
            // An answer that is too long has arrived: the target has the message.
            if (http && answer.error().message.starts_with("the answer is larger")) again = false;
        } else {
            const bool bad = !step.failing.empty() && answer->body.find(step.failing) != std::string::npos;
            const bool fine = (answer->status >= 200 && answer->status < 300) ||
                              (!step.tolerated.empty() && answer->body.find(step.tolerated) != std::string::npos);
            if (fine && !bad) co_return std::nullopt;
            failure = work.failure + (http ? "" : " The error received was:") + " StatusCode: " + std::to_string(answer->status) +
                      ". Reason: " + (http || answer->body.empty() ? answer->reason : shortened(answer->body));
            again = bad || (http ? answer->status == 429 || answer->status >= 500 : is_transient(*answer));
        }
        if (!again || tries == (http ? http_tries_max : service_tries_max)) break;
        co_await wait_before(tries);
        if (http && dependencies_.clock.steady() >= end) break;
    }
    co_return failure;
}

}  // namespace

std::unique_ptr<Outbox> make_outbox(Outbox::Dependencies dependencies) {
    return std::make_unique<Box>(dependencies);
}

asio::awaitable<Result<std::vector<std::pair<std::uint64_t, OutboxJob>>>> stored_jobs(kv::Engine& engine) {
    std::vector<std::pair<std::uint64_t, OutboxJob>> jobs;
    kv::ScanOptions options;
    options.range = kv::KeyBuilder(room).prefix_range();
    while (true) {
        auto page = co_await engine.scan(options);
        if (!page) co_return page.error();
        for (const kv::KeyValue& item : page->items) {
            kv::KeyReader reader(item.key);
            reader.text();
            auto job = job_from_store(item.value);
            if (job) {
                jobs.emplace_back(reader.number().value_or(0), std::move(*job));
            } else {
                logger("rules").error("a stored outbound job cannot be read");
            }
        }
        if (!page->more || page->items.empty()) co_return jobs;
        options.range.begin = page->items.back().key + '\0';
    }
}

}  // namespace fogbank::rules
