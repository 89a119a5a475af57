/// What both engines do alike: run one batch or one transaction over a store that can only read and write single keys and ranges.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "store/kv/engine.h"

namespace fogbank::store::kv::detail {

/// The engine's state as the writer sees it: what is committed plus what earlier submissions of the same group wrote. One thread.
class Backing {
  public:
    virtual ~Backing() = default;
    virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
    virtual Result<Page> scan(const ScanOptions& options) = 0;
    virtual Result<void> put(std::string_view key, std::string_view value) = 0;
    virtual Result<void> erase(std::string_view key) = 0;
    virtual Result<void> erase_range(const Range& range) = 0;
};

/// Checks sizes and preconditions, then writes. A refusal comes before the first write, so it leaves no trace.
/// Errors: precondition_failed, too_large, and what `backing` reports (after which some of the batch may be written).
Result<void> run_batch(Backing& backing, const Batch& batch);

/// Runs `body` on an overlay and, if it succeeds, writes the overlay. A refusal leaves no trace. Errors: the body's, too_large,
/// `backing`'s.
Result<void> run_transaction(Backing& backing, TransactionBody& body);

/// Adds `item`; true if a limit is reached, which ends the page.
bool add_to_page(Page& page, KeyValue item, const ScanOptions& options, std::size_t& bytes);

/// True for a range that no key can be in.
inline bool is_empty(const Range& range) {
    return !range.end.empty() && range.begin >= range.end;
}

/// A transaction whose writes stay in memory until `apply`. Reads merge them with the backing.
///
/// Two layers over the backing: `erased_` hides ranges of it, `writes_` (which is newer than every erased range at that key) hides single
/// keys.
class Overlay final : public Transaction {
  public:
    explicit Overlay(Backing& below) : below_(below) {}

    Result<std::optional<std::string>> get(std::string_view key) override;
    Result<Page> scan(const ScanOptions& options) override;
    void put(std::string_view key, std::string_view value) override;
    void erase(std::string_view key) override;
    void erase_range(const Range& range) override;

    /// Writes everything to the backing. Errors: too_large (nothing written), the backing's.
    Result<void> apply();

  private:
    friend class MergedScan;
    using Writes = std::map<std::string, std::optional<std::string>, std::less<>>;
    /// begin -> end (empty: no bound), neither overlapping nor touching.
    using Ranges = std::map<std::string, std::string, std::less<>>;

    bool is_erased(std::string_view key) const;
    bool touches(const Range& range) const;

    Backing& below_;
    Writes writes_;
    Ranges erased_;
    std::optional<Error> failure_;
};

}  // namespace fogbank::store::kv::detail
