/// A rule's SQL and a substitution template, ready to run: parse, resolve and compile in one call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "rules/evaluator.h"
#include "rules/external.h"
#include "rules/program.h"

namespace fogbank::rules::sql {

struct StatementOptions {
    WhyNoExternal why_not;  ///< the services that the statement cannot ask
    bool fold = true;       ///< see `compile`
};

/// Immutable; any thread.
class CompiledStatement {
  public:
    /// Errors: sql_parse with position and reason.
    static Result<CompiledStatement> create(std::string_view sql, Version version, std::size_t bytes_max,
                                            const StatementOptions& options = {});

    const Program& program() const { return program_; }
    Version version() const { return program_.version; }
    const std::optional<std::string>& topic_filter() const { return topic_filter_; }
    /// Of the filter's text in the statement.
    std::size_t topic_filter_position() const { return topic_filter_position_; }
    const std::vector<std::string>& variables() const { return variables_; }
    /// What is legal but surely not meant.
    const std::vector<std::string>& warnings() const { return warnings_; }

    /// A statement that asks other services (`program().asks`) needs `session`, and its environment: an error with `wanted()` set means
    /// that the question is to be answered and `run` called again.
    Result<Outcome> run(MessageContext& message, const Environment& environment, ExternalSession* session = nullptr,
                        Trace* trace = nullptr) const;

    const WhyNoExternal& why_not() const { return why_not_; }

  private:
    Program program_;
    std::optional<std::string> topic_filter_;
    std::size_t topic_filter_position_ = 0;
    std::vector<std::string> variables_, warnings_;
    WhyNoExternal why_not_;
};

/// Literal text mixed with `${expression}` (reference "rules", section 4). Immutable; any thread.
class Template {
  public:
    /// @param statement  whose variables and version the expressions use.
    /// Errors: sql_parse, positions counted in `text`.
    static Result<Template> create(std::string_view text, const CompiledStatement& statement);

    /// The text, if it holds no expression.
    const std::string* constant() const;
    /// Strings stand without quotes, Arrays and Objects as JSON, Null as `null`; Undefined is empty (the type page's "empty string").
    /// Errors: evaluation.
    Result<std::string> expand(MessageContext& message, const Environment& environment, const Variables& variables,
                               ExternalSession* session = nullptr) const;
    /// Whether an expression asks other services: then `expand` needs a session, as `CompiledStatement::run` does.
    bool asks() const;

  private:
    struct Part {
        std::string literal;  ///< before the expression
        std::optional<Program> expression;
    };
    std::vector<Part> parts_;
    std::string constant_;
};

}  // namespace fogbank::rules::sql
