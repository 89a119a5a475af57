#include "policy/detail/actions.h"

#include <algorithm>
#include <array>

namespace fogbank::policy {
namespace {

/// Lower case, for comparison: IAM compares action names without regard to case. `alias` is the older name that policies may still use.
struct ActionRow {
    std::string_view name, folded, alias;
};
constexpr std::array<ActionRow, known_actions> actions{{
    {"iot:Publish", "iot:publish", ""},
    {"iot:Receive", "iot:receive", ""},
    {"iot:Subscribe", "iot:subscribe", ""},
    {"iot:Connect", "iot:connect", ""},
    {"iot:RetainPublish", "iot:retainpublish", ""},
    {"iot:GetThingShadow", "iot:getthingshadow", ""},
    {"iot:UpdateThingShadow", "iot:updatethingshadow", ""},
    {"iot:DeleteThingShadow", "iot:deletethingshadow", ""},
    {"iot:ListNamedShadowsForThing", "iot:listnamedshadowsforthing", ""},
    {"iot:GetRetainedMessage", "iot:getretainedmessage", ""},
    {"iot:ListRetainedMessages", "iot:listretainedmessages", ""},
    {"iot:AssumeRoleWithCertificate", "iot:assumerolewithcertificate", ""},
    {"iot:DeleteConnection", "iot:deleteconnection", ""},
    {"iot:GetConnection", "iot:getconnection", ""},
    {"iot:ListSubscriptions", "iot:listsubscriptions", ""},
    {"iot:SendDirectMessage", "iot:senddirectmessage", ""},
    {"iotjobsdata:DescribeJobExecution", "iotjobsdata:describejobexecution", "iot:describejobexecution"},
    {"iotjobsdata:GetPendingJobExecutions", "iotjobsdata:getpendingjobexecutions", "iot:getpendingjobexecutions"},
    {"iotjobsdata:StartNextPendingJobExecution", "iotjobsdata:startnextpendingjobexecution", "iot:startnextpendingjobexecution"},
    {"iotjobsdata:UpdateJobExecution", "iotjobsdata:updatejobexecution", "iot:updatejobexecution"},
}};
constexpr std::size_t connect_index = 3;
static_assert(actions[connect_index].name == "iot:Connect");

/// No action's name is longer.
constexpr std::size_t action_bytes_max = 128;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `action` in lower case in `buffer`; empty if it is too long to be an action.
std::string_view fold(std::string_view action, std::array<char, action_bytes_max>& buffer) {
    if (action.size() > buffer.size()) return {};
    std::transform(action.begin(), action.end(), buffer.begin(), lower);
    return {buffer.data(), action.size()};
}

std::string folded_text(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower);
    return out;
}

}  // namespace

std::optional<std::size_t> known_action_index(std::string_view action) {
    for (std::size_t i = 0; i < actions.size(); ++i) {
        if (actions[i].name == action) return i;
    }
    std::array<char, action_bytes_max> buffer{};
    const std::string_view folded = fold(action, buffer);
    for (std::size_t i = 0; i < actions.size(); ++i) {
        if (actions[i].folded == folded) return i;
    }
    return std::nullopt;
}

std::size_t connect_action_index() {
    return connect_index;
}

ActionSet::ActionSet(const std::vector<std::string>& patterns, bool negated) : negated_(negated) {
    for (const std::string& pattern : patterns) patterns_.push_back(Pattern::from_wildcards(folded_text(pattern)));
    for (std::size_t i = 0; i < actions.size(); ++i) {
        const bool named = any_matches(actions[i].folded) || (!actions[i].alias.empty() && any_matches(actions[i].alias));
        if (named != negated_) known_ |= 1U << i;
    }
}

bool ActionSet::any_matches(std::string_view folded) const {
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& p) { return p.matches(folded); });
}

bool ActionSet::contains_unknown(std::string_view action) const {
    std::array<char, action_bytes_max> buffer{};
    const std::string_view folded = fold(action, buffer);
    return !folded.empty() && any_matches(folded) != negated_;
}

}  // namespace fogbank::policy
