#include "store/kv/detail/sqlite_writer.h"

#include <algorithm>
#include <utility>

namespace fogbank::store::kv::detail {
namespace {

/// What a submission costs in memory besides its keys and values; keeps a flood of small ones inside the bound too.
constexpr std::size_t submission_overhead_bytes = 256;

/// The log is copied into the database when it has this many pages (16 MiB): late enough that a page written often is copied once, early
/// enough that readers do not search a long log.
constexpr int checkpoint_pages = 4096;
/// The pages that the writer copies itself, so that the log is copied whole for a moment and starts anew; the others are copied beside it,
/// in rounds, for it writes on meanwhile.
constexpr int last_pages = checkpoint_pages / 8;
constexpr int rounds_max = 4;
/// At this length (64 MiB) the writer waits for the copy beside it and copies the rest: it writes faster than can be copied.
constexpr int pages_beside_max = 4 * checkpoint_pages;
/// A log that readers keep from being copied whole is tried again when it has grown by this much.
constexpr int checkpoint_retry_pages = checkpoint_pages / 4;
/// At this length readers that always overlap have kept the log from starting anew; then they are held up for the time of one copy.
constexpr int restart_pages = 8 * checkpoint_pages;

/// A group smaller than the last one waits for more, but only this part of the time that the last one took, and never long.
constexpr int linger_share = 8;
constexpr std::chrono::steady_clock::duration linger_max = std::chrono::milliseconds(1);

std::size_t bytes_of(const Batch& batch) {
    std::size_t bytes = 0;
    for (const auto& condition : batch.preconditions) bytes += sizeof(condition) + condition.key.size() + condition.value.size();
    for (const auto& write : batch.writes) bytes += sizeof(write) + write.key.size() + (write.value ? write.value->size() : 0);
    return bytes;
}

}  // namespace

Writer::Counters::Counters(Metrics& metrics)
    : commits(metrics.counter("fogbank_store_kv_commits_total", "Batches and transactions that were committed.")),
      groups(metrics.counter("fogbank_store_kv_groups_total", "Groups of batches and transactions that were committed together.")),
      failed_groups(
          metrics.counter("fogbank_store_kv_failed_groups_total", "Groups that could not be written, for example to a full disk.")),
      queue_rejections(
          metrics.counter("fogbank_store_kv_queue_rejections_total", "Batches and transactions refused because the write queue was full.")),
      group_size(metrics.gauge("fogbank_store_kv_group_size", "Batches and transactions in the group written last.")),
      queue_bytes(metrics.gauge("fogbank_store_kv_queue_bytes", "Bytes of batches and transactions submitted and not yet answered.")) {}

Writer::Writer(Connection connection, TableBacking backing, Statement begin, Statement commit, ReaderPool& readers,
               std::unique_ptr<Checkpointer> checkpointer, const SqliteOptions& options)
    : readers_(readers),
      queue_bytes_max_(options.queue_bytes_max),
      group_max_(std::max<std::size_t>(options.group_max, 1)),
      own_metrics_(options.metrics == nullptr ? std::make_unique<Metrics>() : nullptr),
      counters_(options.metrics == nullptr ? *own_metrics_ : *options.metrics),
      connection_(std::move(connection)),
      backing_(std::move(backing)),
      begin_(std::move(begin)),
      commit_(std::move(commit)),
      checkpointer_(std::move(checkpointer)) {
    sqlite3_wal_hook(connection_->handle(), &Writer::on_log_grown, this);  // in place of SQLite's own checkpoint inside COMMIT
    thread_ = std::thread([this] { run(); });
}

Result<std::unique_ptr<Writer>> Writer::start(Connection connection, ReaderPool& readers, const SqliteOptions& options) {
    auto backing = TableBacking::prepare(connection);
    if (!backing) return backing.error();
    auto begin = Statement::prepare(connection, "BEGIN IMMEDIATE");
    if (!begin) return begin.error();
    auto commit = Statement::prepare(connection, "COMMIT");
    if (!commit) return commit.error();
    auto checkpointer = Checkpointer::start(options.file, options.durability);
    if (!checkpointer) return checkpointer.error();
    return std::unique_ptr<Writer>(new Writer(std::move(connection), std::move(*backing), std::move(*begin), std::move(*commit), readers,
                                              std::move(*checkpointer), options));
}

void Writer::submit(Submission submission) {
    submission.bytes = submission_overhead_bytes + bytes_of(submission.batch);
    std::optional<Error> refusal;
    bool wake = false;
    {
        const std::scoped_lock lock(mutex_);
        if (stopping_) {
            refusal = Error{Errc::stopped, "the store is shutting down"};
        } else if (submitted_bytes_ != 0 && submitted_bytes_ + submission.bytes > queue_bytes_max_) {  // one always fits, or it never would
            refusal = Error{Errc::unavailable, "the write queue is full: " + std::to_string(submitted_bytes_) + " bytes are waiting"};
        } else {
            submitted_bytes_ += submission.bytes;
            counters_.queue_bytes.add(static_cast<std::int64_t>(submission.bytes));
            queue_.push_back(std::move(submission));
            wake = queue_.size() == wake_at_;
        }
    }
    if (wake) wake_.notify_one();
    if (!refusal) return;
    if (refusal->code == Errc::unavailable) counters_.queue_rejections.add();
    submission.done(*std::move(refusal));  // NOLINT(bugprone-use-after-move): what is refused was not moved
}

void Writer::stop() {
    const std::scoped_lock stop_lock(stop_mutex_);
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void Writer::close() {
    stop();
    const std::scoped_lock stop_lock(stop_mutex_);
    checkpointer_.reset();
    begin_ = Statement();
    commit_ = Statement();
    backing_.reset();
    connection_.reset();
}

void Writer::run() {
    while (take_group()) {
        commit_group();
        checkpoint();
    }
}

bool Writer::take_group() {
    const auto expected = group_.size();
    group_.clear();
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    linger(lock, expected);
    const auto count = std::min(queue_.size(), group_max_);
    const auto last = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    std::move(queue_.begin(), last, std::back_inserter(group_));
    queue_.erase(queue_.begin(), last);
    return count != 0;
}

void Writer::linger(std::unique_lock<std::mutex>& lock, std::size_t expected) {
    if (queue_.size() >= expected || stopping_) return;
    wake_at_ = expected;
    wake_.wait_for(lock, std::min(commit_time_ / linger_share, linger_max), [this] { return stopping_ || queue_.size() >= wake_at_; });
    wake_at_ = 1;
}

void Writer::commit_group() {
    results_.clear();
    const auto start = std::chrono::steady_clock::now();
    const auto committed = run_group();
    commit_time_ = std::chrono::steady_clock::now() - start;
    if (!committed && connection_->in_transaction()) {
        // If even this fails the transaction stays open and the next group's BEGIN says so.
        (void)connection_->execute("ROLLBACK");
    }
    finish_group(committed);
}

Result<void> Writer::run_group() {
    backing_->clear_failure();
    if (auto begun = run_statement(begin_); !begun) return begun;
    for (auto& submission : group_) {
        results_.push_back(submission.body ? run_transaction(*backing_, submission.body) : run_batch(*backing_, submission.batch));
        if (backing_->failure()) return *backing_->failure();
        if (!connection_->in_transaction()) return connection_->error("the transaction was rolled back");
    }
    return run_statement(commit_);
}

Result<void> Writer::run_statement(const Statement& statement) {
    const StatementUse use(statement);
    if (const auto done = statement.step(); !done) return done.error();
    return {};
}

void Writer::finish_group(const Result<void>& committed) {
    count_group(committed);
    for (std::size_t i = 0; i < group_.size(); ++i) {
        // A refusal is final only with the commit: it may rest on what an earlier submission of the group wrote.
        if (committed)
            group_[i].done(std::move(results_[i]));
        else
            group_[i].done(Error{Errc::unavailable, "nothing was written: " + committed.error().message});
    }
}

void Writer::count_group(const Result<void>& committed) {
    std::size_t bytes = 0;
    for (const auto& submission : group_) bytes += submission.bytes;
    {
        const std::scoped_lock lock(mutex_);
        submitted_bytes_ -= bytes;
    }
    counters_.queue_bytes.add(-static_cast<std::int64_t>(bytes));
    counters_.group_size.add(static_cast<std::int64_t>(group_.size()) - counters_.group_size.value());
    if (!committed) {
        counters_.failed_groups.add();
        return;
    }
    counters_.groups.add();
    counters_.commits.add(
        static_cast<std::uint64_t>(std::count_if(results_.begin(), results_.end(), [](const auto& r) { return r.has_value(); })));
}

int Writer::on_log_grown(void* writer, sqlite3*, const char*, int pages) {
    auto& self = *static_cast<Writer*>(writer);
    if (pages < self.log_pages_ || self.checkpoint_at_ == 0) {  // the log was started anew
        self.checkpoint_at_ = checkpoint_pages;
        self.rounds_ = 0;
        self.log_is_same_ = false;
    }
    self.log_pages_ = pages;
    return SQLITE_OK;
}

void Writer::checkpoint() {
    if (checkpoint_at_ == 0 || log_pages_ < checkpoint_at_) return;
    if (checkpointer_->busy()) {
        if (log_pages_ < pages_beside_max) return;
        checkpointer_->wait();
    }
    const int left = log_pages_ - (log_is_same_ ? checkpointer_->copied_pages() : 0);
    if (left <= last_pages || rounds_ == rounds_max || log_pages_ >= pages_beside_max) {
        copy_log();
        checkpoint_at_ = log_pages_ + checkpoint_retry_pages;
        rounds_ = 0;
        return;
    }
    readers_.end_idle_snapshots();
    ++rounds_;
    log_is_same_ = true;
    checkpointer_->begin();
}

void Writer::copy_log() {
    // A failure (a full disk) costs nothing but a longer log; it is tried again when the log has grown further.
    const auto copy_back = [this] {
        (void)sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    };
    if (log_pages_ < restart_pages) {
        readers_.end_idle_snapshots();
        copy_back();
    } else {
        readers_.without_readers(copy_back);
    }
}

}  // namespace fogbank::store::kv::detail
