// The promise of the store: what was acknowledged survives kill -9, and no half of a batch is ever seen.
//
// A child process writes numbered steps and reports each acknowledgement through a pipe; the parent kills it after a random number of them,
// reopens the file and compares everything in it with the state after the last step that is there. The state is a function of that step's
// number alone.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>

#include <map>
#include <mutex>
#include <random>

#include "store/kv/errc.h"
#include "store/kv/key.h"
#include "store/kv/sqlite_engine.h"
#include "tests/store/temporary_folder.h"
#include "tests/support/fakes.h"

namespace fogbank::store::kv {
namespace {

constexpr std::uint64_t kept_steps = 40;       // a step erases what the step this far before it wrote
constexpr std::uint64_t outstanding_max = 64;  // submitted and not yet acknowledged
const std::string last_step_key = KeyBuilder("last").str();

std::size_t keys_of(std::uint64_t step) {
    return 1 + step * 7 % 5;
}

std::string key_of(std::uint64_t step, std::size_t index) {
    return KeyBuilder("step").number(step).number(index).str();
}

/// Up to 16 KiB, so that batches span pages and a few rounds reach a checkpoint.
std::string value_of(std::uint64_t step, std::size_t index) {
    const std::uint64_t mixed = (step * 2654435761U + index * 40503U) % 16384;
    return std::string(mixed, static_cast<char>('a' + mixed % 26));
}

std::map<std::string, std::string> state_after(std::uint64_t last) {
    std::map<std::string, std::string> state;
    if (last == 0) return state;
    state[last_step_key] = std::to_string(last);
    for (std::uint64_t step = last > kept_steps ? last - kept_steps + 1 : 1; step <= last; ++step) {
        for (std::size_t i = 0; i < keys_of(step); ++i) state[key_of(step, i)] = value_of(step, i);
    }
    return state;
}

/// Odd steps are batches that demand their predecessor, even ones are transactions.
void submit_step(Engine& engine, std::uint64_t step, CommitHandler done) {
    const std::string before = std::to_string(step - 1), now = std::to_string(step);
    if (step % 2 == 1) {
        Batch batch;
        if (step > 1) batch.preconditions.push_back(Precondition{last_step_key, Precondition::Kind::equals, before});
        for (std::size_t i = 0; i < keys_of(step); ++i) batch.put(key_of(step, i), value_of(step, i));
        for (std::size_t i = 0; step > kept_steps && i < keys_of(step - kept_steps); ++i) batch.erase(key_of(step - kept_steps, i));
        batch.put(last_step_key, now);
        engine.commit(std::move(batch), std::move(done));
        return;
    }
    engine.transact(
        [step, before, now](Transaction& t) -> Result<void> {
            const auto last = t.get(last_step_key);
            if (!last) return last.error();
            if (*last != before) return Error{Errc::conflict, "a step is missing"};
            if (step > kept_steps) t.erase_range(KeyBuilder("step").number(step - kept_steps).prefix_range());
            for (std::size_t i = 0; i < keys_of(step); ++i) t.put(key_of(step, i), value_of(step, i));
            t.put(last_step_key, now);
            return {};
        },
        std::move(done));
}

/// The child: never returns, ends by SIGKILL (or with an exit code that the parent takes for a failure).
[[noreturn]] void write_until_killed(const SqliteOptions& options, std::uint64_t first, int acknowledgements) {
    auto engine = open_sqlite_engine(options);
    if (!engine) ::_exit(10);
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t outstanding = 0;
    for (std::uint64_t step = first;; ++step) {
        {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return outstanding < outstanding_max; });
            ++outstanding;
        }
        submit_step(**engine, step, [&, step](Result<void> done) {
            if (!done || ::write(acknowledgements, &step, sizeof step) != sizeof step) ::_exit(11);
            const std::scoped_lock lock(mutex);
            --outstanding;
            changed.notify_one();
        });
    }
}

/// Kills the child after `count` acknowledgements and returns the last one that it managed to send.
std::uint64_t acknowledged_before_kill(const SqliteOptions& options, std::uint64_t first, std::uint64_t count) {
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0) throw std::runtime_error("no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(pipe_ends[0]);
        write_until_killed(options, first, pipe_ends[1]);
    }
    ::close(pipe_ends[1]);
    std::uint64_t last = first - 1, step = 0;
    // Every acknowledgement is one write of eight bytes, so reads never see a part of one.
    for (std::uint64_t seen = 0; ::read(pipe_ends[0], &step, sizeof step) == sizeof step; ++seen) {
        EXPECT_EQ(step, last + 1);
        last = step;
        if (seen + 1 == count) ::kill(child, SIGKILL);
    }
    ::close(pipe_ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the writer ended on its own: " << status;
    return last;
}

std::map<std::string, std::string> stored_state(const SqliteOptions& options) {
    std::map<std::string, std::string> state;
    auto engine = open_sqlite_engine(options);
    EXPECT_TRUE(engine) << engine.error().message;
    if (!engine) return state;
    ScanOptions all;
    all.bytes_max = 1 << 30;
    const auto page = testing::run((*engine)->scan(all));
    EXPECT_TRUE(page) << page.error().message;
    if (!page) return state;
    for (const auto& item : page->items) state.emplace(item.key, item.value);
    return state;
}

class KvCrash : public ::testing::TestWithParam<Durability> {};

TEST_P(KvCrash, KillLosesNothingAcknowledgedAndSplitsNoBatch) {
    const testing::TemporaryFolder folder;
    SqliteOptions options;
    options.file = folder.path() / "kv.db";
    options.durability = GetParam();
    std::mt19937 random(20260102);
    std::uint64_t last = 0;
    for (int round = 0; round < 20 && !HasFailure(); ++round) {
        const std::uint64_t acknowledged = acknowledged_before_kill(options, last + 1, 1 + random() % 600);
        const auto state = stored_state(options);
        const auto found = state.find(last_step_key);
        ASSERT_NE(found, state.end());
        last = std::stoull(found->second);
        EXPECT_GE(last, acknowledged) << "an acknowledged step is lost in round " << round;
        EXPECT_LE(last, acknowledged + outstanding_max);
        EXPECT_TRUE(state == state_after(last)) << "not the state after step " << last << " in round " << round;
    }
}

INSTANTIATE_TEST_SUITE_P(Durability, KvCrash, ::testing::Values(Durability::power_loss_safe, Durability::process_crash_safe),
                         [](const auto& param) {
                             return std::string(param.param == Durability::power_loss_safe ? "power_loss_safe" : "process_crash_safe");
                         });

}  // namespace
}  // namespace fogbank::store::kv
