#include "rules/statement.h"

#include <algorithm>

#include "rules/errc.h"
#include "rules/parser.h"
#include "rules/resolver.h"

namespace fogbank::rules::sql {
namespace {

CallContext call_context(MessageContext& message, const Environment& environment, ExternalSession* session) {
    CallContext context;
    context.message = &message;
    context.environment = session == nullptr ? &environment : &session->environment();
    context.externals = session == nullptr ? nullptr : &session->calls();
    return context;
}

}  // namespace

Result<CompiledStatement> CompiledStatement::create(std::string_view sql, Version version, std::size_t bytes_max,
                                                    const StatementOptions& options) {
    auto statement = parse_statement(sql, bytes_max);
    if (!statement) return statement.error();
    CompiledStatement compiled;
    if (auto resolved = resolve(*statement, version, options.why_not, compiled.warnings_); !resolved) return resolved.error();
    compiled.topic_filter_ = statement->topic_filter;
    compiled.topic_filter_position_ = statement->topic_filter_position;
    for (const Assignment& assignment : statement->assignments) compiled.variables_.push_back(assignment.name);
    compiled.program_ = compile(std::move(*statement), version, options.fold);
    compiled.why_not_ = options.why_not;
    return compiled;
}

Result<Outcome> CompiledStatement::run(MessageContext& message, const Environment& environment, ExternalSession* session,
                                       Trace* trace) const {
    return Evaluator(program_, call_context(message, environment, session), trace).run();
}

Result<Template> Template::create(std::string_view text, const CompiledStatement& statement) {
    Template made;
    std::size_t at = 0;
    while (true) {
        const std::size_t marker = text.find("${", at);
        Part part;
        part.literal = std::string(text.substr(at, marker == std::string_view::npos ? marker : marker - at));
        if (marker == std::string_view::npos) {
            if (made.parts_.empty()) made.constant_ = part.literal;
            made.parts_.push_back(std::move(part));
            return made;
        }
        auto expression = parse_template_expression(text, marker + 2, at);
        if (!expression) return in_context("substitution template", expression.error());
        std::vector<std::string> warnings;
        if (auto resolved = resolve_template(**expression, statement.variables(), statement.version(), statement.why_not(), warnings);
            !resolved) {
            return in_context("substitution template", resolved.error());
        }
        part.expression = compile_expression(std::move(*expression), statement.variables(), statement.version());
        made.parts_.push_back(std::move(part));
    }
}

const std::string* Template::constant() const {
    return parts_.size() == 1 ? &constant_ : nullptr;
}

bool Template::asks() const {
    return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.expression && part.expression->asks; });
}

Result<std::string> Template::expand(MessageContext& message, const Environment& environment, const Variables& variables,
                                     ExternalSession* session) const {
    std::string out;
    for (const Part& part : parts_) {
        out += part.literal;
        if (!part.expression) continue;
        auto value = Evaluator(*part.expression, call_context(message, environment, session)).value(variables);
        if (!value) return value.error();
        if (const auto text = to_text(*value)) out += text->view();
        if (value->is_null()) out += "null";
        if (out.size() > value_bytes_max)
            return Error(Errc::evaluation, "a substitution template is longer than " + std::to_string(value_bytes_max) + " bytes");
    }
    return out;
}

}  // namespace fogbank::rules::sql
