/// The ordered, transactional key-value engine that everything durable stands on: registry, rules, queues and table items are key ranges.
///
/// Keys are byte strings in memcmp order, at most `key_bytes_max`; make them with store/kv/key.h. Values are opaque, at most
/// `value_bytes_max`. Nobody may assume to be the only writer: what depends on what was read goes through a precondition or a transaction.
/// The interface leaks no SQL and fits an engine on another machine (a PostgreSQL-protocol database): reads and writes are awaitable,
/// transactions are functions that the engine may run again. One conformance suite (tests/store/kv_conformance.h) defines its behaviour.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/function.h"
#include "common/result.h"

namespace fogbank::store::kv {

/// Holds an escaped DynamoDB primary key twice over (2,048 + 1,024 bytes of zeros): entries of secondary indexes carry the table's key too.
inline constexpr std::size_t key_bytes_max = 16 * 1024;
inline constexpr std::size_t value_bytes_max = 32 * 1024 * 1024;

struct KeyValue {
    std::string key, value;
};

/// A half-open range of keys: begin <= key < end. An empty `end` means no upper bound.
struct Range {
    std::string begin, end;
};

struct ScanOptions {
    Range range;
    bool reverse = false;             ///< from the end downwards
    std::size_t items_max = 1000;     ///< at least 1
    std::size_t bytes_max = 4 << 20;  ///< stop after the item that reaches this many bytes of keys and values
};

/// What a scan returned; `more` if it stopped at a limit. To go on, scan again from just after (before, if reverse) the last key.
struct Page {
    std::vector<KeyValue> items;
    bool more = false;
};

struct Precondition {
    enum class Kind { exists, absent, equals };
    std::string key;
    Kind kind = Kind::exists;
    std::string value;  ///< for `equals`
};

/// Writes that happen together or not at all. Later writes to one key win over earlier ones.
struct Batch {
    struct Write {
        std::string key;
        std::optional<std::string> value;  ///< nothing: erase
    };
    std::vector<Precondition> preconditions;
    std::vector<Write> writes;

    void put(std::string key, std::string value) { writes.push_back(Write{std::move(key), std::move(value)}); }
    void erase(std::string key) { writes.push_back(Write{std::move(key), std::nullopt}); }
};

/// What a transaction's body sees: a consistent snapshot plus its own writes. Valid during the body only; blocking calls, engine's thread.
class Transaction {
  public:
    virtual ~Transaction() = default;
    virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
    virtual Result<Page> scan(const ScanOptions& options) = 0;
    virtual void put(std::string_view key, std::string_view value) = 0;
    virtual void erase(std::string_view key) = 0;
    virtual void erase_range(const Range& range) = 0;
};

/// Reads, decides, writes. Returns an error to give up: then nothing is written and the caller gets that error. May be run more than once
/// (conflict on a remote engine), so it must not have effects outside but what it assigns anew each time. Runs on an engine thread: it must
/// be short, must not block on anything else, and what it shares with the caller must live until the completion.
using TransactionBody = UniqueFunction<Result<void>(Transaction&)>;

/// Called once, on an engine thread, after the commit (or refusal) is final. Must be short; post home what takes longer.
using CommitHandler = UniqueFunction<void(Result<void>)>;

class Engine {
  public:
    virtual ~Engine() = default;

    // Reads: the newest committed state, or a later one. Any thread; the awaitables resume on the caller's executor and may complete
    // without suspending. Errors: unavailable, corrupt, stopped.

    virtual boost::asio::awaitable<Result<std::optional<std::string>>> get(std::string key) = 0;
    /// One snapshot for all keys; the answer is in the order of `keys`.
    virtual boost::asio::awaitable<Result<std::vector<std::optional<std::string>>>> multi_get(std::vector<std::string> keys) = 0;
    virtual boost::asio::awaitable<Result<Page>> scan(ScanOptions options) = 0;

    // Writes: group-committed. When the handler says success the write survives kill -9 and, unless configured otherwise, a power cut, and
    // is visible to every read that begins afterwards. Batches and transactions take effect in the order submitted by one thread. The queue
    // is bounded (bytes): beyond the bound a submission fails at once with `unavailable`.

    /// Errors: precondition_failed, unavailable, stopped.
    virtual void commit(Batch batch, CommitHandler done) = 0;
    /// Errors: what the body returned; conflict after the engine gave up retrying; unavailable, stopped.
    virtual void transact(TransactionBody body, CommitHandler done) = 0;

    /// The awaitable forms. Resume on the caller's executor.
    boost::asio::awaitable<Result<void>> commit(Batch batch);
    boost::asio::awaitable<Result<void>> transact(TransactionBody body);

    /// Finishes what was submitted, then refuses everything with `stopped`. Blocks; call it after the shards that submit have stopped
    /// submitting.
    virtual void stop() = 0;
};

}  // namespace fogbank::store::kv
