#include <algorithm>
#include <cstring>

#include "policy/detail/compiled.h"
#include "policy/detail/variables.h"

namespace fogbank::policy {
namespace {

/// Keys that have a value at CONNECT only. Source: AWS IoT Core Developer Guide, "AWS IoT Core action resources" and "Connect policy
/// examples".
constexpr std::array<std::string_view, 2> connect_keys{"iot:ConnectAttributes", "iot:LastWillTopic"};

bool is_connect_key(std::string_view key) {
    return std::any_of(connect_keys.begin(), connect_keys.end(), [&](std::string_view one) { return same_key(one, key); });
}

/// The context of every action but iot:Connect.
class WithoutConnectKeys final : public Context {
  public:
    explicit WithoutConnectKeys(const Context& all) : all_(all) {}
    const std::vector<std::string>* find(std::string_view key) const override { return is_connect_key(key) ? nullptr : all_.find(key); }

  private:
    const Context& all_;
};

std::string list_text(const std::vector<std::string>& values) {
    std::string out;
    for (const std::string& value : values) out.append(out.empty() ? "`" : ", `").append(value).append("`");
    return out.empty() ? "nothing" : out;
}

std::string condition_text(const Condition& condition, const std::vector<std::string>* present) {
    std::string out = "condition " + condition.operator_text + " on " + condition.key + ": ";
    out += present == nullptr ? "the key has no value here" : "it is " + list_text(*present);
    return out + ", the policy has " + list_text(condition.values);
}

/// The first condition that does not hold, in words; empty if all hold.
std::string failed_condition(const Statement& statement, const Context& context, bool has_variables) {
    for (const Condition& condition : statement.conditions) {
        std::vector<std::optional<Pattern>> wanted;
        std::string unresolved;
        for (const std::string& value : condition.values)
            wanted.push_back(substitute(value, has_variables ? &context : nullptr, unresolved));
        const auto* present = context.find(condition.key);
        if (!condition_holds(condition.op, present, wanted)) return condition_text(condition, present);
    }
    return {};
}

CompiledStatement compile_in(const Document& document, const Statement& source, const Context& context) {
    CompiledStatement out;
    out.effect = source.effect;
    out.actions = source.actions.known();
    out.unknown_actions = source.actions.may_contain_unknown();
    out.resource_negated = source.not_resource.has_value();
    for (const std::string& resource : source.resource ? *source.resource : *source.not_resource) {
        std::string unresolved;
        auto pattern = substitute(resource, document.has_variables() ? &context : nullptr, unresolved);
        if (pattern) {
            out.resources.push_back(std::move(*pattern));
        } else {
            out.unresolved.push_back(std::move(unresolved));
        }
    }
    out.failed_condition = failed_condition(source, context, document.has_variables());
    return out;
}

void add_probes(const CompiledStatement& s, std::uint32_t index, std::vector<Probe>& out) {
    Probe probe;
    probe.statement = index;
    if (s.resource_negated) {
        out.push_back(probe);
        return;
    }
    for (std::uint32_t i = 0; i < s.resources.size(); ++i) {
        const std::string& prefix = s.resources[i].literal_prefix();
        probe.pattern = i;
        probe.tail_end = 0;
        if (prefix.size() >= sizeof(probe.tail)) {
            probe.tail_end = static_cast<std::uint32_t>(prefix.size());
            std::memcpy(&probe.tail, prefix.data() + prefix.size() - sizeof(probe.tail), sizeof(probe.tail));
        }
        out.push_back(probe);
    }
}

}  // namespace

bool names_connect_keys(const Statement& statement) {
    const auto mentioned_in = [](const std::vector<std::string>& texts) {
        return std::any_of(texts.begin(), texts.end(), [](const std::string& text) {
            return std::any_of(connect_keys.begin(), connect_keys.end(),
                               [&](std::string_view key) { return mentions_variable(text, key); });
        });
    };
    return mentioned_in(statement.resource ? *statement.resource : *statement.not_resource) ||
           std::any_of(statement.conditions.begin(), statement.conditions.end(),
                       [&](const Condition& c) { return is_connect_key(c.key) || mentioned_in(c.values); });
}

void compile_statement(const Document& document, std::uint32_t policy, std::uint32_t statement, const Context& context,
                       std::vector<CompiledStatement>& out) {
    const Statement& source = document.statements[statement];
    const auto add = [&](CompiledStatement one) {
        one.policy = policy;
        one.statement = statement;
        out.push_back(std::move(one));
    };
    if (!names_connect_keys(source)) {
        add(compile_in(document, source, context));
        return;
    }
    const std::uint32_t connect_bit = 1U << connect_action_index();
    CompiledStatement at_connect = compile_in(document, source, context);
    at_connect.actions &= connect_bit;
    at_connect.unknown_actions = false;
    add(std::move(at_connect));
    CompiledStatement later = compile_in(document, source, WithoutConnectKeys(context));
    later.actions &= ~connect_bit;
    add(std::move(later));
}

Evaluator::Evaluator(std::vector<Policy> policies, const Context& context) : compiled_(std::make_unique<Compiled>()) {
    Compiled& c = *compiled_;
    c.policies = std::move(policies);
    for (std::uint32_t p = 0; p < c.policies.size(); ++p) {
        const Document& document = c.policies[p].document();
        for (std::uint32_t s = 0; s < document.statements.size(); ++s) compile_statement(document, p, s, context, c.statements);
    }
    c.make_slices();
}

void Evaluator::Compiled::make_slices() {
    // Most policies are short: which statements cover an action is a word, and actions that the same statements cover share their probes.
    using Covering = std::vector<bool>;
    std::array<Covering, known_actions + 1> covering;
    for (std::size_t slot = 0; slot < covering.size(); ++slot) {
        Covering& mine = covering[slot];
        mine.resize(statements.size());
        for (std::size_t i = 0; i < statements.size(); ++i) {
            const CompiledStatement& s = statements[i];
            mine[i] = (slot == unknown_slot ? s.unknown_actions : ((s.actions >> slot) & 1U) != 0) && s.live();
        }
        const auto same = static_cast<std::size_t>(std::find(covering.begin(), covering.begin() + static_cast<std::ptrdiff_t>(slot), mine) -
                                                   covering.begin());
        if (same != slot) {
            slices[slot] = slices[same];
            continue;
        }
        const auto add = [&](Effect effect) {
            for (std::uint32_t i = 0; i < statements.size(); ++i) {
                if (mine[i] && statements[i].effect == effect) add_probes(statements[i], i, probes);
            }
            return static_cast<std::uint32_t>(probes.size());
        };
        slices[slot].begin = static_cast<std::uint32_t>(probes.size());
        slices[slot].allows = add(Effect::deny);
        slices[slot].end = add(Effect::allow);
    }
}

Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

}  // namespace fogbank::policy
