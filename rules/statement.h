/// A rule's SQL and a substitution template, ready to run: parse, resolve and compile in one call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "rules/evaluator.h"
#include "rules/program.h"

namespace fogbank::rules::sql {

/// Immutable; any thread.
class CompiledStatement {
  public:
    /// Errors: sql_parse with position and reason.
    static Result<CompiledStatement> create(std::string_view sql, Version version, std::size_t bytes_max);

    const Program& program() const { return program_; }
    Version version() const { return program_.version; }
    const std::optional<std::string>& topic_filter() const { return topic_filter_; }
    const std::vector<std::string>& variables() const { return variables_; }
    /// What is legal but surely not meant.
    const std::vector<std::string>& warnings() const { return warnings_; }

    Result<Outcome> run(MessageContext& message, const Environment& environment) const;

  private:
    Program program_;
    std::optional<std::string> topic_filter_;
    std::vector<std::string> variables_, warnings_;
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
    Result<std::string> expand(MessageContext& message, const Environment& environment, const Variables& variables) const;

  private:
    struct Part {
        std::string literal;  ///< before the expression
        std::optional<Program> expression;
    };
    std::vector<Part> parts_;
    std::string constant_;
};

}  // namespace fogbank::rules::sql
