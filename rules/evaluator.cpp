#include "rules/evaluator.h"

#include <array>

#include "rules/errc.h"
#include "rules/operators.h"

namespace fogbank::rules::sql {
namespace {

/// Calls with more arguments than this (only concat takes any number) need the heap.
constexpr std::size_t inline_arguments = 4;

/// What one step stands for where a single node may look at many.
constexpr std::size_t values_per_step = 16, bytes_per_step = 64;

std::size_t argument_steps(Arguments arguments) {
    std::size_t steps = 0;
    for (const Value& argument : arguments) {
        if (argument.is_string()) steps += argument.text().size() / bytes_per_step;
        if (argument.kind() == Value::Kind::array) steps += argument.items().size() / values_per_step;
    }
    return steps;
}

}  // namespace

void Evaluator::fail(std::string why) {
    if (!failure_) failure_ = Error(Errc::evaluation, std::move(why));
}

void Evaluator::fail_steps() {
    fail("the statement needs more than " + std::to_string(evaluation_steps_max) + " steps for this message");
}

void Evaluator::fail_bytes() {
    fail("the statement needs more than " + std::to_string(evaluation_bytes_max) + " bytes for this message");
}

Value Evaluator::charged_bytes(Value value) {
    switch (value.kind()) {
        case Value::Kind::string:
            bytes_ += value.text().size();
            break;
        case Value::Kind::array:
            bytes_ += value.items().size() * sizeof(Value);
            break;
        case Value::Kind::object:
            bytes_ += value.members().size() * sizeof(Object::Member);
            break;
        default:
            return value;
    }
    if (bytes_ <= evaluation_bytes_max) return value;
    fail_bytes();
    return {};
}

Result<Variables> Evaluator::assign() {
    std::size_t bytes = 0;
    for (const std::uint32_t node : program_.assignments) {
        variables_.push_back(at(node));
        std::string json;
        if (!append_json(json, variables_.back(), variables_bytes_max) || (bytes += json.size()) > variables_bytes_max) {
            fail("the variables are longer than " + std::to_string(variables_bytes_max) + " bytes");
        }
    }
    if (failure_) return *failure_;
    return variables_;
}

Result<Outcome> Evaluator::run() {
    if (!program_.assignments.empty()) {
        if (auto assigned = assign(); !assigned) return assigned.error();
    }
    Outcome outcome;
    outcome.matched = passes(program_.main);
    if (outcome.matched && !failure_) outcome.output = select_output();
    if (failure_) return *failure_;
    outcome.variables = std::move(variables_);
    return outcome;
}

Result<Value> Evaluator::value(const Variables& variables) {
    variables_ = variables;
    Value value = at(program_.main.items[0].node);
    if (failure_) return *failure_;
    return value;
}

std::optional<Value> Evaluator::constant(std::uint32_t node) {
    Value value = at(node);
    if (failure_) return std::nullopt;
    return value;
}

bool Evaluator::passes(const QueryPlan& plan) {
    return !plan.where || at(*plan.where).is_true();
}

Output Evaluator::select_output() {
    const QueryPlan& plan = program_.main;
    if (plan.items.size() == 1 && plan.items[0].star && plan.items[0].alias.empty() && !context_.message->payload().is_json())
        return Output::raw();
    if (plan.distinct && !plan.value && plan.items.size() <= Output::selected_max && trace_ == nullptr) return projected(plan);
    return Output(select(plan));
}

/// The same as `select` with less work: a scalar that is only passed on is no Value in between.
Output Evaluator::projected(const QueryPlan& plan) {
    Output output(plan, program_.version);
    for (const PlannedItem& item : plan.items) {
        const Node& node = program_.nodes[item.node];
        if (node.op != Op::payload_path || !spend(1)) {
            output.add(at(item.node));
            continue;
        }
        const std::uint32_t found = locate(program_.paths[node.data]);
        const Payload& payload = context_.message->payload();
        if (found == Payload::no_node || !payload.json(found).empty()) {
            output.add(payload, found);
        } else {
            output.add(charged(payload.value(found, program_.version)));
        }
    }
    bytes_ += plan.items.size() * sizeof(Object::Member);
    if (bytes_ > evaluation_bytes_max) fail_bytes();
    return output;
}

/// The value of `*`: the element of a nested query or the payload.
Value Evaluator::star() {
    if (element_ != nullptr) return *element_;
    const Payload& payload = context_.message->payload();
    return spend_on_payload(0, payload.size()) ? charged(payload.root(program_.version)) : Value();
}

Value Evaluator::payload_path(const std::vector<std::string>& path) {
    const std::uint32_t found = locate(path);
    return found == Payload::no_node ? Value() : charged(context_.message->payload().value(found, program_.version));
}

/// Where `path` leads in the payload, paid for as if its value were copied; no node also if that is too much.
std::uint32_t Evaluator::locate(const std::vector<std::string>& path) {
    const Payload& payload = context_.message->payload();
    std::size_t looked_at = 0;
    const std::uint32_t found = payload.locate(path, looked_at);
    return spend_on_payload(looked_at, found == Payload::no_node ? 0 : payload.size(found)) ? found : Payload::no_node;
}

bool Evaluator::spend_on_payload(std::size_t looked_at, std::size_t copied) {
    bytes_ += copied * sizeof(Object::Member);
    return spend((looked_at + copied) / values_per_step);
}

/// Sets the member that `alias` leads to and makes the Objects on the way.
void Evaluator::set(Object& object, std::span<const std::string> alias, Value value) {
    if (!spend(object.size() / values_per_step)) return;
    if (alias.size() == 1) {
        object.set(Text::borrowed(alias[0]), std::move(value));
        return;
    }
    const Value* existing = object.find(alias[0]);
    Object inner;
    if (existing != nullptr && existing->kind() == Value::Kind::object) inner = existing->members();
    set(inner, alias.subspan(1), std::move(value));
    object.set(Text::borrowed(alias[0]), Value::object(std::move(inner)));
}

void Evaluator::merge(Object& object, const Object& members) {
    if (object.size() == 0) {
        object = members;
        return;
    }
    for (const auto& [name, member] : members) {
        if (!spend(object.size() / values_per_step)) return;
        object.set(name, member);
    }
}

Value Evaluator::select(const QueryPlan& plan) {
    const PlannedItem& first = plan.items[0];
    if (plan.value) return first.star ? star() : at(first.node);
    if (plan.items.size() == 1 && first.star && first.alias.empty()) return star();
    Object selected;
    selected.reserve(plan.items.size());
    for (const PlannedItem& item : plan.items) {
        Value value = item.star ? star() : at(item.node);
        if (item.alias.empty()) {
            if (value.kind() == Value::Kind::object) merge(selected, value.members());
        } else if (value.is_undefined()) {
            continue;
        } else if (plan.distinct) {
            selected.append(Text::borrowed(item.alias[0]), std::move(value));
        } else {
            set(selected, item.alias, std::move(value));
        }
    }
    return charged(Value::object(std::move(selected)));
}

Value Evaluator::follow(Value value, const std::vector<std::string>& path) {
    for (const std::string& name : path) value = value.member(name);
    return value;
}

Value Evaluator::traced(std::uint32_t index) {
    if (trace_->size() >= trace_steps_max) return evaluate(index);
    const Node& node = program_.nodes[index];
    const std::size_t step = trace_->size();
    trace_->push_back({node.position, node.end, depth_, Value()});
    ++depth_;
    Value value = evaluate(index);
    --depth_;
    (*trace_)[step].value = value;
    return value;
}

Value Evaluator::evaluate(std::uint32_t index) {
    if (!spend(1)) return {};
    const Node& node = program_.nodes[index];
    switch (node.op) {
        case Op::constant:
            return program_.constants[node.data];
        case Op::payload:
            return star();
        case Op::payload_path:
            return payload_path(program_.paths[node.data]);
        case Op::raw_payload:
            return Value::string(Text::borrowed(context_.message->message().payload()));
        case Op::element:
            return element_ == nullptr ? Value() : *element_;
        case Op::element_path:
            return element_ == nullptr ? Value() : follow(*element_, program_.paths[node.data]);
        case Op::variable:
            return node.data < variables_.size() ? variables_[node.data] : Value();
        case Op::member:
            return follow(at(child(node, 0)), program_.paths[node.data]);
        case Op::unary:
            return apply_unary(node.oper, at(child(node, 0)), program_.version);
        case Op::binary: {
            const Value left = at(child(node, 0));
            return charged(apply_binary(node.oper, left, at(child(node, 1)), program_.version));
        }
        case Op::call:
            return call(node);
        case Op::cast:
            return charged(apply_cast(at(child(node, 0)), node.cast_type, program_.version));
        case Op::case_of:
            return case_of(node);
        case Op::array:
            return array(node);
        case Op::object:
            return object(node);
        case Op::query:
            return query(program_.queries[node.data]);
        case Op::exists:
            break;
    }
    return exists(program_.queries[node.data]);
}

Value Evaluator::case_of(const Node& node) {
    const Value value = at(child(node, 0));
    if (value.is_undefined()) return {};  // even with ELSE (section 6)
    std::uint32_t i = 1;
    for (; i + 1 < node.count; i += 2) {
        const Value when = at(child(node, i));
        if (!when.is_undefined() && equal(value, when)) return at(child(node, i + 1));
    }
    return i < node.count ? at(child(node, i)) : Value();
}

Value Evaluator::call(const Node& node) {
    const Function& function = *program_.functions[node.data];
    if (node.count < function.arguments_min || (function.arguments_max != any_number && node.count > function.arguments_max)) return {};
    if (node.count <= inline_arguments) {
        std::array<Value, inline_arguments> arguments;
        for (std::uint32_t i = 0; i < node.count; ++i) arguments[i] = argument(function, i, child(node, i));
        return finish_call(function, Arguments(arguments.data(), node.count));
    }
    Array arguments;
    for (std::uint32_t i = 0; i < node.count; ++i) arguments.push_back(argument(function, i, child(node, i)));
    return finish_call(function, arguments);
}

Value Evaluator::argument(const Function& function, std::uint32_t i, std::uint32_t node) {
    Value value = at(node);
    if (!function.catches || i != 0 || !failure_ || !failure_is_external_) return value;
    failure_.reset();
    failure_is_external_ = false;
    return {};
}

Value Evaluator::finish_call(const Function& function, Arguments arguments) {
    if (!spend(argument_steps(arguments))) return {};
    Value value = charged(function.call(context_, arguments));
    if (!external_.waiting && !external_.failure) return value;
    if (!failure_) {
        failure_is_external_ = external_.failure.has_value();
        fail(failure_is_external_ ? *external_.failure : std::string("an answer of another service is missing"));
    }
    external_.failure.reset();
    return {};
}

Value Evaluator::array(const Node& node) {
    Array items;
    items.reserve(node.count);
    for (std::uint32_t i = 0; i < node.count; ++i) items.push_back(at(child(node, i)));
    return charged(Value::array(std::move(items)));
}

Value Evaluator::object(const Node& node) {
    const std::vector<std::string>& names = program_.paths[node.data];
    Object members;
    members.reserve(node.count);
    bool gaps = false;
    for (std::uint32_t i = 0; i < node.count; ++i) {
        Value member = at(child(node, i));
        gaps = gaps || member.is_undefined();
        set(members, std::span(&names[i], 1), std::move(member));
    }
    if (!gaps) return charged(Value::object(std::move(members)));
    // Undefined is no member: what an alias adds under its name later comes after the others.
    Object defined;
    for (const auto& [name, member] : members) {
        if (!member.is_undefined()) defined.set(name, member);
    }
    return charged(Value::object(std::move(defined)));
}

template <class Visit>
void Evaluator::for_each_element(const QueryPlan& plan, const Value& from, Visit visit) {
    const Value* outer = element_;
    const auto one = [&](const Value& element) {
        element_ = &element;
        return !spend(1) || !passes(plan) || visit();
    };
    if (from.kind() == Value::Kind::array) {
        for (const Value& element : from.items()) {
            if (!one(element)) break;
        }
    } else if (from.kind() == Value::Kind::object) {
        one(from);
    }
    element_ = outer;
}

/// Over an Array one result per element that passes, over an Object one result (section 8). Rows whose VALUE is Undefined are left out.
Value Evaluator::query(const QueryPlan& plan) {
    const Value from = at(*plan.from);
    Array rows;
    for_each_element(plan, from, [&] {
        Value row = select(plan);
        if (!row.is_undefined()) rows.push_back(std::move(row));
        return true;
    });
    if (from.kind() == Value::Kind::array) return charged(Value::array(std::move(rows)));
    return rows.empty() ? Value() : std::move(rows[0]);
}

Value Evaluator::exists(const QueryPlan& plan) {
    const Value from = at(*plan.from);
    bool found = false;
    for_each_element(plan, from, [&] {
        found = true;
        return false;
    });
    return Value::boolean(found);
}

}  // namespace fogbank::rules::sql
