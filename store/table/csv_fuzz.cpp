// Cutting and parsing are total, and cutting does not depend on where the pieces end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "store/table/detail/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace table = fogbank::store::table;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const bool is_csv : {false, true}) {
        const auto records_of = [&](std::size_t piece) {
            std::vector<std::string> out;
            table::RecordSplitter splitter(is_csv);
            const table::RecordSplitter::Sink sink = [&](std::string_view record, bool) -> fogbank::Result<void> {
                out.emplace_back(record);
                return {};
            };
            for (std::size_t at = 0; at < text.size(); at += piece) (void)splitter.feed(text.substr(at, piece), sink);
            (void)splitter.finish(sink);
            return out;
        };
        const auto whole = records_of(size + 1);
        if (whole != records_of(1)) std::abort();
        for (const auto& record : whole) (void)table::parse_csv_record(record, ',');
    }
    return 0;
}
