#include "rules/resolver.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "rules/functions.h"
#include "rules/lexer.h"

namespace fogbank::rules::sql {
namespace {

/// Reference "rules", section 7.
constexpr std::size_t protobuf_decodes_max = 2;

struct CastName {
    std::string_view name;
    CastType type;
    Version since;
};
/// Reference "rules-sql", section 2, "cast keywords".
constexpr std::array<CastName, 11> cast_names{{{"string", CastType::string, Version::v2015_10_08},
                                               {"nvarchar", CastType::string, Version::v2015_10_08},
                                               {"text", CastType::string, Version::v2015_10_08},
                                               {"ntext", CastType::string, Version::v2015_10_08},
                                               {"varchar", CastType::string, Version::v2015_10_08},
                                               {"int", CastType::integer, Version::v2015_10_08},
                                               {"integer", CastType::integer, Version::v2015_10_08},
                                               {"double", CastType::real, Version::v2015_10_08},
                                               {"decimal", CastType::decimal, Version::v2016_03_23},
                                               {"bool", CastType::boolean, Version::v2016_03_23},
                                               {"boolean", CastType::boolean, Version::v2016_03_23}}};

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::string quoted(std::string_view text) {
    return "`" + std::string(text) + "`";
}

class Resolver {
  public:
    Resolver(Version version, const WhyNoExternal& why_not, std::vector<std::string>& warnings)
        : version_(version), why_not_(why_not), warnings_(warnings) {}

    Result<void> assignments(Statement& statement);
    Result<void> query(Query& query);
    Result<void> expression(Expression& expression);
    void enter_template(const std::vector<std::string>& variables) {
        variables_ = variables;
        in_template_ = true;
    }

  private:
    Result<void> call(Expression& call);
    Result<void> arguments(Expression& call);
    Result<void> service(const Expression& call, External service);
    Result<void> cast(Expression& cast);
    Result<void> literal_container(const Expression& literal) const;
    Result<void> nested(Expression& nested);
    Result<void> children(Expression& parent);
    Result<void> needs(Version since, std::size_t position, std::string_view what) const;

    Version version_;
    const WhyNoExternal& why_not_;
    bool in_template_ = false;
    bool in_default_ = false;  ///< inside the second argument of get_or_default
    std::size_t protobuf_decodes_ = 0;
    std::vector<std::string>& warnings_;
    std::vector<std::string> variables_;
};

Result<void> Resolver::needs(Version since, std::size_t position, std::string_view what) const {
    if (version_ >= since) return {};
    return sql_error(position, std::string(what) + " needs awsIotSqlVersion " + quoted(version_text(since)) + ", the rule has " +
                                   quoted(version_text(version_)));
}

Result<void> Resolver::assignments(Statement& statement) {
    for (Assignment& assignment : statement.assignments) {
        if (assignment.name.size() > variable_name_bytes_max) {
            return sql_error(assignment.position,
                             "a variable's name has at most " + std::to_string(variable_name_bytes_max) + " characters");
        }
        if (std::find(variables_.begin(), variables_.end(), assignment.name) != variables_.end()) {
            return sql_error(assignment.position, "variable " + quoted("@" + assignment.name) + " is assigned twice");
        }
        if (variables_.size() == variables_max)
            return sql_error(assignment.position, "more than " + std::to_string(variables_max) + " variables");
        if (auto resolved = expression(*assignment.value); !resolved) return resolved;
        variables_.push_back(assignment.name);
    }
    return {};
}

Result<void> Resolver::query(Query& query) {
    for (SelectItem& item : query.items) {
        if (item.expression->kind == ExpressionKind::star) continue;
        if (auto resolved = expression(*item.expression); !resolved) return resolved;
    }
    if (query.from) {
        if (auto resolved = expression(*query.from); !resolved) return resolved;
    }
    return query.where ? expression(*query.where) : Result<void>();
}

Result<void> Resolver::children(Expression& parent) {
    for (auto& child : parent.children) {
        if (auto resolved = expression(*child); !resolved) return resolved;
    }
    return {};
}

Result<void> Resolver::expression(Expression& expression) {
    switch (expression.kind) {
        case ExpressionKind::variable:
            if (std::find(variables_.begin(), variables_.end(), expression.text) != variables_.end()) return {};
            return sql_error(expression.position, "unknown variable " + quoted("@" + expression.text));
        case ExpressionKind::star:
            return sql_error(expression.position, "`*` cannot be an argument here");
        case ExpressionKind::call:
            return call(expression);
        case ExpressionKind::cast:
            return cast(expression);
        case ExpressionKind::array:
        case ExpressionKind::object:
            if (auto allowed = literal_container(expression); !allowed) return allowed;
            return children(expression);
        case ExpressionKind::query:
        case ExpressionKind::exists:
            return nested(expression);
        default:
            return children(expression);
    }
}

Result<void> Resolver::literal_container(const Expression& literal) const {
    return needs(Version::v2016_03_23, literal.position, literal.kind == ExpressionKind::array ? "an array literal" : "an object literal");
}

Result<void> Resolver::nested(Expression& nested) {
    if (auto allowed = needs(Version::v2016_03_23, nested.position, "a nested query"); !allowed) return allowed;
    return query(*nested.query);
}

Result<void> Resolver::call(Expression& call) {
    const Function* function = find_function(call.text);
    if (function == nullptr) {
        const std::string_view why = why_unavailable(call.text);
        if (why.empty()) return sql_error(call.position, "unknown function " + quoted(call.text));
        return sql_error(call.position, "function " + quoted(call.text) + " is " + std::string(why));
    }
    if (auto allowed = needs(function->since, call.position, "function " + quoted(call.text)); !allowed) return allowed;
    const std::size_t count = call.children.size();
    if (count < function->arguments_min || (function->arguments_max != any_number && count > function->arguments_max)) {
        warnings_.push_back("sql at byte " + std::to_string(call.position) + ": function " + quoted(call.text) + " is called with " +
                            std::to_string(count) + " arguments, which is always Undefined");
    }
    call.function = function;
    if (const auto asked = asked_service(call)) {
        if (auto allowed = service(call, *asked); !allowed) return allowed;
    }
    return arguments(call);
}

Result<void> Resolver::arguments(Expression& call) {
    const bool outer_default = in_default_;
    for (std::size_t i = 0; i < call.children.size(); ++i) {
        Expression& argument = *call.children[i];
        if (argument.kind == ExpressionKind::star) {
            if (i == 0 && call.function->raw_argument) continue;
            argument.boolean = i == 1 && call.function->external == External::lambda;
            if (argument.boolean) continue;
        }
        if (call.function->catches && i == 1) in_default_ = true;
        auto resolved = expression(argument);
        in_default_ = outer_default;
        if (!resolved) return resolved;
    }
    return {};
}

/// What can be said of a call of another service before it runs.
Result<void> Resolver::service(const Expression& call, External service) {
    const std::string what = "function " + quoted(call.text);
    if (const std::string& why = why_not_[static_cast<std::size_t>(service)]; !why.empty())
        return sql_error(call.position, what + " is not available: " + why);
    if (in_default_) return sql_error(call.position, what + " may not stand in the default of get_or_default");
    if (service == External::object && in_template_)
        return sql_error(call.position, what + " with `proto` may not stand in a substitution template");
    if (service == External::object && ++protobuf_decodes_ > protobuf_decodes_max)
        return sql_error(call.position, what + " with `proto` may be called at most " + std::to_string(protobuf_decodes_max) + " times");
    if (service != External::registry || call.children.empty()) return {};
    const Expression& api = *call.children[0];
    if (api.kind != ExpressionKind::literal_string || api.text == "DescribeThing" || api.text == "ListThingGroupsForThing") return {};
    return sql_error(api.position, what + ": the API must be DescribeThing or ListThingGroupsForThing");
}

Result<void> Resolver::cast(Expression& cast) {
    const std::string name = lower(cast.text);
    const auto found =
        std::find_if(cast_names.begin(), cast_names.end(), [&](const CastName& candidate) { return candidate.name == name; });
    if (found == cast_names.end()) return sql_error(cast.position, "unknown type " + quoted(cast.text) + " in cast");
    if (auto allowed = needs(found->since, cast.position, "cast as " + quoted(cast.text)); !allowed) return allowed;
    cast.cast_type = found->type;
    return children(cast);
}

}  // namespace

std::optional<External> asked_service(const Expression& call) {
    if (call.function->external) return call.function->external;
    // decode(value, 'base64') asks nobody; with 'proto' it reads the descriptor.
    constexpr std::size_t protobuf_arguments = 6;
    if (call.function->name != "decode" || call.children.size() != protobuf_arguments) return std::nullopt;
    return External::object;
}

Result<void> resolve(Statement& statement, Version version, const WhyNoExternal& why_not, std::vector<std::string>& warnings) {
    Resolver resolver(version, why_not, warnings);
    if (auto resolved = resolver.assignments(statement); !resolved) return resolved;
    return resolver.query(statement.query);
}

Result<void> resolve_template(Expression& expression, const std::vector<std::string>& variables, Version version,
                              const WhyNoExternal& why_not, std::vector<std::string>& warnings) {
    Resolver resolver(version, why_not, warnings);
    resolver.enter_template(variables);
    return resolver.expression(expression);
}

}  // namespace fogbank::rules::sql
