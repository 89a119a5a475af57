/// Records out of pieces of text: lines, or CSV's records with their quoted line breaks. Source: RFC 4180; Developer Guide, "Amazon S3
/// import formats for DynamoDB". Pure; split at any byte.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace fogbank::store::table {

/// Cuts at line breaks, in CSV at those outside of quotes. A record over `record_bytes_max` is passed over and reported as too long.
class RecordSplitter {
  public:
    static constexpr std::size_t record_bytes_max = 16 * 1024 * 1024;
    /// @param record  without its line break; empty and too long ones have `is_too_long` set.
    using Sink = std::function<Result<void>(std::string_view record, bool is_too_long)>;

    explicit RecordSplitter(bool is_csv) : is_csv_(is_csv) {}
    /// Errors: what `sink` returned; then the splitter is of no more use.
    Result<void> feed(std::string_view piece, const Sink& sink);
    /// What is left is the last record.
    Result<void> finish(const Sink& sink);

  private:
    Result<void> emit(const Sink& sink);
    void append(std::string_view text);

    bool is_csv_, in_quotes_ = false, too_long_ = false, is_first_ = true;
    std::string record_;
};

/// The columns of one record. Errors: validation (quotes out of place).
Result<std::vector<std::string>> parse_csv_record(std::string_view record, char delimiter);

}  // namespace fogbank::store::table
