/// What an Evaluator keeps: each statement with its variables replaced and its conditions judged, and per action the statements that can
/// matter.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "policy/detail/actions.h"
#include "policy/detail/model.h"
#include "policy/detail/pattern.h"
#include "policy/document.h"

namespace fogbank::policy {

/// One statement on one connection. A statement that names keys which exist at CONNECT only becomes two: one for iot:Connect, one for the
/// rest.
struct CompiledStatement {
    std::uint32_t policy = 0;     ///< index into Evaluator::Compiled::policies
    std::uint32_t statement = 0;  ///< index into the document
    Effect effect = Effect::deny;
    std::uint32_t actions = 0;     ///< bits of the known actions it covers here
    bool unknown_actions = false;  ///< whether it may cover actions that are not in the table
    bool resource_negated = false;
    std::vector<Pattern> resources;
    std::vector<std::string> unresolved;  ///< variables of its resources that have no value
    std::string failed_condition;         ///< the first condition that does not hold, as text; empty: all hold

    /// A statement that can match some resource. With NotResource one unresolved variable is enough to make it match nothing: what it would
    /// have left out is not known.
    bool live() const { return failed_condition.empty() && (resource_negated ? unresolved.empty() : !resources.empty()); }
    bool matches_resource(std::string_view arn) const;
};

/// Makes the compiled forms (one or two) of a statement and adds them to `out`.
void compile_statement(const Document& document, std::uint32_t policy, std::uint32_t statement, const Context& context,
                       std::vector<CompiledStatement>& out);

/// Whether the statement names keys that have a value at CONNECT only.
bool names_connect_keys(const Statement& statement);

/// One pattern of one live statement, as the hot path looks at it: most patterns are dismissed by eight bytes without touching the
/// statement.
struct Probe {
    std::uint64_t tail = 0;       ///< the last eight bytes of the pattern's literal beginning
    std::uint32_t tail_end = 0;   ///< where these end; 0: shorter than eight bytes, or NotResource, nothing to dismiss by
    std::uint32_t statement = 0;  ///< index into Evaluator::Compiled::statements
    std::uint32_t pattern = 0;    ///< index into its resources
};

struct Evaluator::Compiled {
    /// Where in `probes` an action's are: denies first, then allows. Actions with the same statements share them.
    struct Slice {
        std::uint32_t begin = 0, allows = 0, end = 0;
    };
    static constexpr std::size_t unknown_slot = known_actions;

    std::vector<Policy> policies;
    std::vector<CompiledStatement> statements;
    std::vector<Probe> probes;
    std::array<Slice, known_actions + 1> slices{};

    void make_slices();
    Decision::Outcome evaluate(const Request& request) const;
    const Statement& source(const CompiledStatement& s) const { return policies[s.policy].document().statements[s.statement]; }
    bool covers(const CompiledStatement& s, std::size_t slot, std::string_view action) const;
    bool matches(const Probe& probe, std::size_t slot, const Request& request) const;
    /// The first of `probes[begin, end)` that matches, or `end`.
    std::uint32_t first_match(std::uint32_t begin, std::uint32_t end, std::size_t slot, const Request& request) const;
};

}  // namespace fogbank::policy
