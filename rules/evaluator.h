/// Runs a compiled statement on one message. Pure but for what functions such as newuuid() are asked for.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "rules/message_context.h"
#include "rules/output.h"
#include "rules/program.h"

namespace fogbank::rules::sql {

/// Steps of one evaluation: nodes evaluated, elements visited, and a share for each 16 values or 64 bytes looked at. About a second of
/// work. Fogbank's own bound.
inline constexpr std::size_t evaluation_steps_max = 1'000'000;
/// Memory that the values of one evaluation may take together. Fogbank's own bound.
inline constexpr std::size_t evaluation_bytes_max = 64 << 20;
/// Source: reference "rules-sql", section 1.3: 128 KiB for all variables together as minified JSON.
inline constexpr std::size_t variables_bytes_max = 128 * 1024;

using Variables = std::vector<Value>;

struct Outcome {
    bool matched = false;  ///< WHERE was true, or there is none
    Output output;         ///< if matched
    Variables variables;   ///< for the actions' templates
};

/// What one evaluation did, expression by expression, for people who ask why. Values borrow as `Output` does.
struct TraceStep {
    std::size_t position = 0, end = 0;  ///< byte range in the text
    std::size_t depth = 0;              ///< 0: a whole assignment, WHERE or item
    Value value;
};
using Trace = std::vector<TraceStep>;
/// Steps beyond this number are left out. Fogbank's own bound.
inline constexpr std::size_t trace_steps_max = 2000;

class Evaluator {
  public:
    /// @param trace  receives the steps if it is not null; compile the program without folding for a complete one.
    Evaluator(const Program& program, CallContext context, Trace* trace = nullptr) : program_(program), context_(context), trace_(trace) {
        context_.version = program.version;
        context_.outcome = &external_;
    }
    Evaluator(const Evaluator&) = delete;
    Evaluator& operator=(const Evaluator&) = delete;

    /// SET, WHERE, SELECT in this order. Errors: evaluation, naming the bound that was exceeded.
    Result<Outcome> run();
    /// SET only; for the templates of an error action, which run later.
    Result<Variables> assign();
    /// The value of the only item of a program made by `compile_expression`.
    Result<Value> value(const Variables& variables);
    /// One node that reads neither message nor variables; nothing if it exceeds a bound.
    std::optional<Value> constant(std::uint32_t node);

  private:
    Value at(std::uint32_t index) { return trace_ == nullptr ? evaluate(index) : traced(index); }
    Value traced(std::uint32_t index);
    Value evaluate(std::uint32_t index);
    Value finish_call(const Function& function, Arguments arguments);
    Value argument(const Function& function, std::uint32_t i, std::uint32_t node);
    Value case_of(const Node& node);
    Value call(const Node& node);
    Value array(const Node& node);
    Value object(const Node& node);
    Value query(const QueryPlan& plan);
    Value exists(const QueryPlan& plan);
    /// Runs `visit(element)` for each element that passes WHERE, until it returns false.
    template <class Visit>
    void for_each_element(const QueryPlan& plan, const Value& from, Visit visit);
    bool passes(const QueryPlan& plan);
    Value select(const QueryPlan& plan);
    Output select_output();
    Output projected(const QueryPlan& plan);
    Value star();
    Value payload_path(const std::vector<std::string>& path);
    std::uint32_t locate(const std::vector<std::string>& path);
    bool spend_on_payload(std::size_t looked_at, std::size_t copied);
    void set(Object& object, std::span<const std::string> alias, Value value);
    void merge(Object& object, const Object& members);
    static Value follow(Value value, const std::vector<std::string>& path);
    std::uint32_t child(const Node& node, std::uint32_t i) const { return program_.children[node.first + i]; }
    /// Counts what `value` holds toward the bound on memory; Undefined once something has failed.
    Value charged(Value value) { return value.kind() < Value::Kind::string ? std::move(value) : charged_bytes(std::move(value)); }
    Value charged_bytes(Value value);
    bool spend(std::size_t steps) {
        steps_ += steps;
        if (steps_ > evaluation_steps_max) fail_steps();
        return !failure_;
    }
    void fail_steps();
    void fail_bytes();
    void fail(std::string why);

    const Program& program_;
    CallContext context_;
    Variables variables_;
    const Value* element_ = nullptr;  ///< null: outside of nested queries
    std::size_t steps_ = 0, bytes_ = 0;
    std::optional<Error> failure_;
    ExternalOutcome external_;
    bool failure_is_external_ = false;
    Trace* trace_;
    std::size_t depth_ = 0;
};

}  // namespace fogbank::rules::sql
