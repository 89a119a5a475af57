// Any bytes as an update document: parsing, merging, the answers and the record must end, within bounds, and agree with each other.
// Input: one request, then optionally a NUL and a second one that is merged into the result of the first.
#include <cstdint>
#include <cstdlib>

#include "shadow/document.h"
#include "shadow/merge.h"
#include "shadow/record.h"

namespace {

using namespace fogbank::shadow;

void must(bool what) {
    if (!what) std::abort();
}

Document run(const Document& current, std::string_view payload) {
    const Limits limits;
    ParsedUpdate parsed = parse_update(payload, limits);
    must(!parsed.client_token || parsed.client_token->size() <= limits.client_token_bytes_max);
    if (!parsed.update) return current;
    stamp(parsed.update->state, 1'700'000'000);
    auto next = apply_update(current, *parsed.update, limits.document_bytes_max);
    if (!next) return current;
    must(next->version == current.version + 1);
    must(document_bytes(*next) <= limits.document_bytes_max);
    must(levels(next->desired) <= limits.levels_max + 1 && levels(next->reported) <= limits.levels_max + 1);

    // What a device is told can be read again, and what is stored is what was told.
    must(parse_value(get_json(*next, 1, parsed.client_token), ValueLimits()).has_value());
    must(parse_value(accepted_json(parsed.update->state, 1, 1, parsed.client_token), ValueLimits()).has_value());
    const auto again = decode_record(encode_document(*next));
    must(again && again->document && document_json(*again->document) == document_json(*next));

    Value reported = next->reported;
    merge(reported, delta(next->desired, next->reported));
    must(delta(next->desired, reported).members.empty());
    return *next;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t split = input.find('\0');
    const Document first = run(Document(), input.substr(0, split));
    if (split != std::string_view::npos) run(first, input.substr(split + 1));
    (void)decode_record(input);
    return 0;
}
