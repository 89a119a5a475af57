#include "shadow/merge.h"

#include <optional>
#include <utility>

namespace fogbank::shadow {
namespace {

/// `value` as it is stored where nothing was: nulls are gone. Nothing if nothing remains of what was only nulls.
std::optional<Value> without_nulls(const Value& value) {
    if (value.is_null()) return std::nullopt;
    if (!value.is_object()) return value;
    Value out = Value::object();
    for (const Member& member : value.members) {
        if (auto kept = without_nulls(member.value)) out.members.push_back({member.name, std::move(*kept)});
    }
    if (out.members.empty() && !value.members.empty()) return std::nullopt;
    return out;
}

}  // namespace

void merge(Value& section, const Value& update) {
    // New members are appended, removed ones taken out at the end: positions stay what the index says.
    const std::size_t before = section.members.size();
    std::vector<bool> removed(before);
    bool any_removed = false;
    std::vector<Member> added;
    {
        const MemberIndex index(section.members);
        for (const Member& change : update.members) {
            const std::size_t at = index.find(change.name);
            if (at != MemberIndex::npos && change.value.is_object() && section.members[at].value.is_object()) {
                merge(section.members[at].value, change.value);
                continue;
            }
            auto fresh = without_nulls(change.value);
            if (at == MemberIndex::npos) {
                if (fresh) added.push_back({change.name, std::move(*fresh)});
            } else if (fresh) {
                section.members[at].value = std::move(*fresh);
            } else {
                removed[at] = any_removed = true;
            }
        }
    }
    if (any_removed) {
        std::vector<Member> kept;
        for (std::size_t i = 0; i < before; ++i) {
            if (!removed[i]) kept.push_back(std::move(section.members[i]));
        }
        section.members = std::move(kept);
    }
    for (Member& member : added) section.members.push_back(std::move(member));
}

Value delta(const Value& desired, const Value& reported) {
    Value out = Value::object();
    const MemberIndex index(reported.members);
    for (const Member& wanted : desired.members) {
        const std::size_t at = index.find(wanted.name);
        const Value* present = at == MemberIndex::npos ? nullptr : &reported.members[at].value;
        if (present != nullptr && wanted.value.is_object() && present->is_object()) {
            Value below = delta(wanted.value, *present);
            if (!below.members.empty()) out.members.push_back({wanted.name, std::move(below)});
        } else if (present == nullptr || !equal(wanted.value, *present)) {
            out.members.push_back(wanted);
        }
    }
    return out;
}

}  // namespace fogbank::shadow
