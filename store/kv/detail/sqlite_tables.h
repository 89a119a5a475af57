/// The reads and writes of the keys and values through cached prepared statements of one connection.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "store/kv/detail/overlay.h"
#include "store/kv/detail/sqlite_connection.h"

namespace fogbank::store::kv::detail {

/// One thread at a time; the connection must outlive it. Call it inside a transaction, whose snapshot it then sees.
class TableReads {
  public:
    static Result<TableReads> prepare(const Connection& connection);

    Result<std::optional<std::string>> get(std::string_view key) const;
    Result<std::vector<std::optional<std::string>>> multi_get(const std::vector<std::string>& keys) const;
    Result<Page> scan(const ScanOptions& options) const;

  private:
    /// The value in column `index`, from wherever it is.
    Result<std::string> value(const Statement& row, int index) const;

    Statement get_, get_large_;
    std::array<Statement, 4> scan_;  ///< bit 0: has an end, bit 1: reverse
};

/// What the writer does inside its transaction.
class TableBacking final : public Backing {
  public:
    static Result<TableBacking> prepare(const Connection& connection);

    Result<std::optional<std::string>> get(std::string_view key) override { return reads_->get(key); }
    Result<Page> scan(const ScanOptions& options) override { return reads_->scan(options); }
    Result<void> put(std::string_view key, std::string_view value) override;
    Result<void> erase(std::string_view key) override;
    Result<void> erase_range(const Range& range) override;

    /// The first write that failed since `clear_failure`: parts of a submission may be written, so the transaction must be rolled back.
    const std::optional<Error>& failure() const { return failure_; }
    void clear_failure() { failure_.reset(); }

  private:
    Result<void> write(const Statement& statement);
    Result<void> write(const Statement& statement, std::string_view key);
    Result<void> put_large(std::string_view key, std::string_view value);

    std::optional<TableReads> reads_;
    Statement put_, place_, erase_, erase_range_, erase_from_;
    Statement add_large_, replace_large_, erase_large_, erase_large_range_, erase_large_from_;
    std::optional<Error> failure_;
};

}  // namespace fogbank::store::kv::detail
