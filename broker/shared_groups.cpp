#include "broker/shared_groups.h"

#include <algorithm>

#include "broker/broker.h"
#include "broker/session.h"
#include "broker/shard_state.h"

namespace fogbank::broker {

SharedGroup::SharedGroup(std::string filter, std::size_t queued_max, Counter& dropped)
    : filter_(std::move(filter)), queued_max_(queued_max), dropped_(dropped), members_(std::make_shared<const Members>()) {}
SharedGroup::~SharedGroup() = default;

std::shared_ptr<const SharedGroup::Members> SharedGroup::members() const {
    const std::lock_guard lock(mutex_);
    return members_;
}

template <class Change>
void SharedGroup::change(Change&& change) {
    std::shared_ptr<const Members> before;  // destroyed after the lock
    const std::lock_guard lock(mutex_);
    auto changed = std::make_shared<Members>(*members_);
    change(*changed);
    before = std::move(members_);
    members_ = std::move(changed);
}

void SharedGroup::deliver(const MessagePtr& message, const SubscriptionOptions&, PublishContext& context) {
    hand_out(message, context, false);
}

void SharedGroup::pass_on(const MessagePtr& message, PublishContext& context) {
    hand_out(message, context, true);
}

void SharedGroup::hand_out(const MessagePtr& message, PublishContext& context, bool has_place) {
    const auto all = members();
    if (all->empty()) return;
    const std::size_t first = turn_.fetch_add(1, std::memory_order_relaxed) % all->size();
    const auto give_to_first = [&](auto&& suits) {
        for (std::size_t i = 0; i < all->size(); ++i) {
            const Member& member = (*all)[(first + i) % all->size()];
            if (!suits(*member.session)) continue;
            member.session->deliver_as_member(message, member.options, context, shared_from_this());
            return true;
        }
        return false;
    };
    if (give_to_first([](const Session& session) { return session.is_online() && !session.is_congested(); })) return;
    // From here on it has to wait, with a member that does not keep up or is away.
    if (!has_place && message->qos() != Qos::at_most_once && queued_.load(std::memory_order_relaxed) >= queued_max_) {
        dropped_.add();
        return;
    }
    if (give_to_first([](const Session& session) { return session.is_online(); })) return;
    if (message->qos() == Qos::at_most_once) return;
    give_to_first([](const Session& session) { return session.is_persistent(); });
}

void SharedGroup::set(std::shared_ptr<Session> session, const SubscriptionOptions& options) {
    change([&](Members& members) {
        for (Member& member : members) {
            if (member.session == session) {
                member.options = options;
                return;
            }
        }
        members.push_back({std::move(session), options});
    });
}

void SharedGroup::remove(const Session& session) {
    change([&](Members& members) { std::erase_if(members, [&](const Member& member) { return member.session.get() == &session; }); });
}

void SharedGroup::remove_all() {
    change([](Members& members) { members.clear(); });
}

bool SharedGroup::has_taker(const Session& giver) const {
    const auto all = members();
    return std::any_of(all->begin(), all->end(),
                       [&](const Member& member) { return member.session.get() != &giver && member.session->is_online(); });
}

void SharedGroup::member_is_back(const Session& session) {
    const auto all = members();
    for (const Member& member : *all) {
        if (member.session.get() == &session || member.session->is_online() || !member.session->is_persistent()) continue;
        // Posted also to the own shard: the member that is back must get its CONNACK first.
        member.session->home().shard.post([giver = member.session, group = shared_from_this()] {
            Session::at_home(giver, [giver, group] {
                if (!giver->is_online()) giver->give_back(group);
            });
        });
    }
}

SharedGroups::SharedGroups(Router& router, std::size_t queued_max, Counter& dropped)
    : router_(router), queued_max_(queued_max), dropped_(dropped) {}
/// Sessions keep messages that name their group, and groups their members: what is left of them at the end must let go of each other.
SharedGroups::~SharedGroups() {
    for (const auto& [filter, group] : groups_) group->remove_all();
}

std::shared_ptr<SharedGroup>& SharedGroups::made(std::string_view filter) {
    auto& group = groups_[std::string(filter)];
    if (!group) group = std::make_shared<SharedGroup>(std::string(filter), queued_max_, dropped_);
    return group;
}

void SharedGroups::join(std::string_view filter, const SharedFilter& parts, std::shared_ptr<Session> session,
                        const SubscriptionOptions& options) {
    const std::lock_guard lock(mutex_);
    const auto& group = made(filter);
    const bool first = group->size() == 0;
    group->set(std::move(session), options);
    if (first) router_.subscribe(parts.topic_filter, group, {Qos::exactly_once, false, true, 0});
}

std::shared_ptr<SharedGroup> SharedGroups::leave(std::string_view filter, const Session& session) {
    const std::lock_guard lock(mutex_);
    const auto found = groups_.find(std::string(filter));
    if (found == groups_.end()) return nullptr;
    std::shared_ptr<SharedGroup> group = found->second;
    group->remove(session);
    if (group->size() != 0) return group;
    if (const auto parts = parse_shared_filter(filter)) router_.unsubscribe(parts->topic_filter, *group);
    groups_.erase(found);
    return nullptr;
}

std::shared_ptr<SharedGroup> SharedGroups::find(std::string_view filter) const {
    const std::lock_guard lock(mutex_);
    const auto found = groups_.find(std::string(filter));
    return found == groups_.end() ? nullptr : found->second;
}

std::shared_ptr<SharedGroup> SharedGroups::find_or_make(std::string_view filter) {
    const std::lock_guard lock(mutex_);
    return made(filter);
}

void SharedGroups::member_is_back(std::string_view filter, const Session& session) {
    if (const auto group = find(filter)) group->member_is_back(session);
}

std::size_t SharedGroups::size() const {
    const std::lock_guard lock(mutex_);
    return groups_.size();
}

}  // namespace fogbank::broker
