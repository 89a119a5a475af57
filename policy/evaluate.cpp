// The hot path: no allocation, no variables, no conditions; those were settled when the connection's evaluator was made.

#include <algorithm>
#include <cstring>

#include "policy/detail/compiled.h"

namespace fogbank::policy {

bool CompiledStatement::matches_resource(std::string_view arn) const {
    const bool any = std::any_of(resources.begin(), resources.end(), [&](const Pattern& p) { return p.matches_arn(arn); });
    return any != resource_negated;
}

bool Evaluator::Compiled::covers(const CompiledStatement& s, std::size_t slot, std::string_view action) const {
    if (slot != unknown_slot) return ((s.actions >> slot) & 1U) != 0;
    return s.unknown_actions && source(s).actions.contains_unknown(action);
}

bool Evaluator::Compiled::matches(const Probe& probe, std::size_t slot, const Request& request) const {
    if (probe.tail_end != 0) {
        if (request.resource.size() < probe.tail_end) return false;
        std::uint64_t tail = 0;
        std::memcpy(&tail, request.resource.data() + probe.tail_end - sizeof(tail), sizeof(tail));
        if (tail != probe.tail) return false;
    }
    const CompiledStatement& s = statements[probe.statement];
    if (slot == unknown_slot && !covers(s, slot, request.action)) return false;
    return s.resource_negated ? s.matches_resource(request.resource) : s.resources[probe.pattern].matches_arn(request.resource);
}

std::uint32_t Evaluator::Compiled::first_match(std::uint32_t begin, std::uint32_t end, std::size_t slot, const Request& request) const {
    while (begin != end && !matches(probes[begin], slot, request)) ++begin;
    return begin;
}

Decision::Outcome Evaluator::Compiled::evaluate(const Request& request) const {
    const std::size_t slot = known_action_index(request.action).value_or(unknown_slot);
    const Slice& slice = slices[slot];
    if (first_match(slice.begin, slice.allows, slot, request) != slice.allows) return Decision::Outcome::explicit_deny;
    if (first_match(slice.allows, slice.end, slot, request) != slice.end) return Decision::Outcome::allowed;
    return Decision::Outcome::implicit_deny;
}

Decision::Outcome Evaluator::evaluate(const Request& request) const {
    return compiled_->evaluate(request);
}

}  // namespace fogbank::policy
