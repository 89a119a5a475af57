#include "store/table/detail/csv.h"

#include "store/table/detail/errors.h"

namespace fogbank::store::table {

void RecordSplitter::append(std::string_view text) {
    if (too_long_) return;
    if (record_.size() + text.size() > record_bytes_max) {
        too_long_ = true;
        record_.clear();
        return;
    }
    record_ += text;
}

Result<void> RecordSplitter::emit(const Sink& sink) {
    std::string_view record = record_;
    if (is_first_ && record.starts_with("\xEF\xBB\xBF")) record.remove_prefix(3);
    is_first_ = false;
    if (record.ends_with('\r')) record.remove_suffix(1);
    Result<void> done;
    if (too_long_ || !record.empty()) done = sink(record, too_long_);
    record_.clear();
    too_long_ = in_quotes_ = false;
    return done;
}

Result<void> RecordSplitter::feed(std::string_view piece, const Sink& sink) {
    const std::string_view stops = is_csv_ ? "\n\"" : "\n";
    while (!piece.empty()) {
        const auto at = piece.find_first_of(stops);
        if (at == std::string_view::npos) {
            append(piece);
            return {};
        }
        const bool is_quote = piece[at] == '"';
        const bool goes_on = is_quote || (in_quotes_ && !too_long_);
        append(piece.substr(0, goes_on ? at + 1 : at));
        piece.remove_prefix(at + 1);
        if (is_quote) in_quotes_ = !in_quotes_;
        if (goes_on) continue;
        if (auto done = emit(sink); !done) return done;
    }
    return {};
}

Result<void> RecordSplitter::finish(const Sink& sink) {
    if (record_.empty() && !too_long_) return {};
    return emit(sink);
}

Result<std::vector<std::string>> parse_csv_record(std::string_view record, char delimiter) {
    std::vector<std::string> out;
    for (;;) {
        std::string column;
        if (record.starts_with('"')) {
            record.remove_prefix(1);
            for (;;) {
                const auto quote = record.find('"');
                if (quote == std::string_view::npos) return validation("a quoted column has no end");
                column += record.substr(0, quote);
                record.remove_prefix(quote + 1);
                if (!record.starts_with('"')) break;
                column += '"';
                record.remove_prefix(1);
            }
            if (!record.empty() && record.front() != delimiter) return validation("text behind a quoted column");
        } else {
            column = record.substr(0, record.find(delimiter));
            if (column.find('"') != std::string::npos) return validation("a double quote inside a column that is not quoted");
            record.remove_prefix(column.size());
        }
        out.push_back(std::move(column));
        if (record.empty()) return out;
        record.remove_prefix(1);
    }
}

}  // namespace fogbank::store::table
