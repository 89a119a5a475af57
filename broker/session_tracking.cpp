// Session: messages that are followed until they are acknowledged, and their way to the disk.
#include <algorithm>

#include "broker/connection.h"
#include "broker/limits.h"
#include "broker/message_expiry.h"
#include "broker/session.h"
#include "broker/shard_state.h"
#include "broker/shared_groups.h"

namespace fogbank::broker {
namespace {

std::size_t weight(const Message& message) {
    return message.topic_name().size() + message.payload().size() + limits::queued_message_overhead_bytes;
}

/// Lets a message that goes from one member of a group to another keep the claims it has.
class PassedOn final : public PublishContext {
  public:
    explicit PassedOn(Hold hold) : hold_(std::move(hold)) {}
    Hold hold() override { return hold_; }

  private:
    Hold hold_;
};

}  // namespace

void Session::track(Delivery&& delivery) {
    const std::size_t bytes = weight(*delivery.message);
    if (queue_full(bytes)) return;
    ShardState& here = home();
    if (connection_ == nullptr && !here.core.rates.queued.take(here.now())) {
        here.core.metrics.dropped_rate.add();
        return;
    }
    const bool first_unsent = !has_unsent();
    const std::uint64_t sequence = next_sequence_++;
    Tracked& tracked = tracked_[sequence];
    tracked.delivery = std::move(delivery);
    if (tracked.delivery.group) tracked.delivery.group->queued();
    count_queued(bytes);
    if (first_unsent) unsent_from_ = sequence;
    if (connection_ != nullptr && first_unsent && !sending_) {
        sending_ = true;
        send_unsent();
        sending_ = false;
    }
    // Sent and acknowledged at once it may be gone already.
    const auto found = tracked_.find(sequence);
    if (found == tracked_.end() || !is_persistent()) return;
    if (found->second.packet_id == 0 || connection_ == nullptr) {
        store(sequence, found->second);  // it has to wait: no use in hoping for a quick acknowledgement
    } else {
        here.store_late(shared_from_this(), sequence);
    }
    note_congestion();
}

void Session::store(std::uint64_t sequence, Tracked& tracked) {
    if (!is_persistent()) return;
    records::EntryRecord entry;
    entry.qos = tracked.delivery.qos;
    entry.retain = tracked.delivery.retain;
    entry.released = tracked.released;
    entry.packet_id = tracked.packet_id;
    entry.subscription_identifier = tracked.delivery.subscription_identifier;
    if (tracked.delivery.group) entry.group = tracked.delivery.group->filter();
    Journal& journal = home().journal;
    journal.put_entry(number_, sequence, std::move(entry), tracked.delivery.message, tracked.body);
    journal.keep(std::move(tracked.delivery.hold));
    tracked.delivery.hold = Hold();
    tracked.stored = true;
}

void Session::store_late(std::uint64_t sequence) {
    if (mode_.load(std::memory_order_relaxed) == Mode::ended || !home().here()) return;
    const auto found = tracked_.find(sequence);
    if (found != tracked_.end()) store(sequence, found->second);
}

void Session::send_unsent() {
    if (connection_ == nullptr || !has_unsent()) return;
    auto next = tracked_.lower_bound(unsent_from_);
    while (next != tracked_.end() && connection_ != nullptr) {
        if (next->second.sent) {
            ++next;
            continue;
        }
        const std::uint64_t sequence = next->first;
        if (!send_tracked(sequence, next->second)) {
            unsent_from_ = sequence;
            return;
        }
        next = tracked_.upper_bound(sequence);
    }
    unsent_from_ = next == tracked_.end() ? no_sequence : next->first;
}

bool Session::send_tracked(std::uint64_t sequence, Tracked& tracked) {
    if (!window_open()) return false;
    ShardState& here = home();
    if (tracked.released) {
        tracked.sent = true;
        ++unacknowledged_;
        connection_->send_pubrel(tracked.packet_id);
        return true;
    }
    const Message& message = *tracked.delivery.message;
    if (is_expired(message, here.wall_now()) || !connection_->may(IotAction::receive, message.topic_name())) {
        finish(tracked_.find(sequence));
        return true;
    }
    const bool again = tracked.packet_id != 0;
    if (!again) {
        tracked.packet_id = in_flight_.take();
        tracked_ids_[tracked.packet_id] = sequence;
        if (tracked.stored) here.store_late(shared_from_this(), sequence);  // its packet id, unless it is acknowledged soon
    }
    tracked.sent = true;
    ++unacknowledged_;
    const bool dup = again && here.core.limits.profile == QuotaProfile::relaxed;
    if (!connection_->send_publish(tracked.delivery, tracked.packet_id, dup)) finish(tracked_.find(sequence));
    return true;
}

Session::TrackedMap::iterator Session::find_packet(std::uint16_t packet_id) {
    const auto known = tracked_ids_.find(packet_id);
    return known == tracked_ids_.end() ? tracked_.end() : tracked_.find(known->second);
}

Session::TrackedMap::iterator Session::finish(TrackedMap::iterator done) {
    if (done == tracked_.end()) return done;
    Tracked& tracked = done->second;
    if (tracked.packet_id != 0) {
        in_flight_.release(tracked.packet_id);
        tracked_ids_.erase(tracked.packet_id);
    }
    if (tracked.sent) --unacknowledged_;
    if (tracked.stored) home().journal.erase(records::entry_key(number_, done->first));
    if (tracked.delivery.message) uncount_queued(weight(*tracked.delivery.message));
    if (tracked.delivery.group) tracked.delivery.group->unqueued();
    return tracked_.erase(done);
}

bool Session::received(std::uint16_t packet_id, bool failed) {
    const auto found = find_packet(packet_id);
    if (found == tracked_.end() || found->second.delivery.qos != Qos::exactly_once) return false;
    if (failed) {
        finish(found);
        if (has_queued()) send_queued();
        return true;
    }
    Tracked& tracked = found->second;
    if (!tracked.released) {
        tracked.released = true;
        // The message has arrived; what remains is to say so (MQTT-4.3.3-4). Its bytes are not needed any more.
        if (tracked.stored || is_persistent()) store(found->first, tracked);
    }
    return true;
}

bool Session::begin_inbound(std::uint16_t packet_id) {
    if (!inbound_.insert(packet_id).second) return false;
    if (is_persistent()) home().journal.put(records::inbound_key(number_, packet_id), {});
    return true;
}

bool Session::end_inbound(std::uint16_t packet_id) {
    if (inbound_.erase(packet_id) == 0) return false;
    if (is_persistent()) home().journal.erase(records::inbound_key(number_, packet_id));
    return true;
}

/// Everything that was on its way goes again, in its order and with its packet ids (MQTT-4.4.0-1).
void Session::restart_tracked() {
    for (auto& [sequence, tracked] : tracked_) tracked.sent = false;
    unsent_from_ = tracked_.empty() ? no_sequence : tracked_.begin()->first;
    if (is_persistent() || !subscriptions_.empty()) {
        for (const auto& [topic_filter, options] : subscriptions_) {
            if (topic_filter.starts_with("$share/")) home().core.groups.member_is_back(topic_filter, *this);
        }
    }
}

void Session::leave_groups(bool for_good) {
    std::vector<std::shared_ptr<SharedGroup>> groups;
    for (const auto& [sequence, tracked] : tracked_) {
        const auto& group = tracked.delivery.group;
        if (group && std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
    }
    for (const auto& group : groups) {
        if (for_good) group->remove(*this);
        give_back(group);
    }
}

void Session::give_back(const std::shared_ptr<SharedGroup>& group) {
    if (!group->has_taker(*this)) return;
    std::vector<Tracked> given;
    for (auto next = tracked_.begin(); next != tracked_.end();) {
        Tracked& tracked = next->second;
        // PUBREC has come: the message has arrived here.
        if (tracked.delivery.group != group || tracked.released) {
            ++next;
            continue;
        }
        if (tracked.packet_id != 0) {
            in_flight_.release(tracked.packet_id);
            tracked_ids_.erase(tracked.packet_id);
        }
        if (tracked.sent) --unacknowledged_;
        uncount_queued(weight(*tracked.delivery.message));
        // The entry here goes when the other member has stored or got the message.
        if (tracked.stored) {
            tracked.delivery.hold = Acknowledgement::begin([&journal_home = home(), key = records::entry_key(number_, next->first),
                                                            hold = tracked.delivery.hold](Result<void> result) {
                if (!result) return;
                journal_home.shard.post([&journal_home, key] { journal_home.journal.erase(key); });
            });
        }
        given.push_back(std::move(tracked));
        next = tracked_.erase(next);
    }
    unsent_from_ = no_sequence;
    for (const auto& [sequence, tracked] : tracked_) {
        if (tracked.sent) continue;
        unsent_from_ = sequence;
        break;
    }
    for (Tracked& tracked : given) {
        PassedOn context(std::move(tracked.delivery.hold));
        group->pass_on(tracked.delivery.message, context);
        group->unqueued();
    }
}

void Session::drop_tracked() {
    for (const auto& [sequence, tracked] : tracked_) {
        if (tracked.delivery.group) tracked.delivery.group->unqueued();
    }
    tracked_.clear();
    tracked_ids_.clear();
    unsent_from_ = no_sequence;
}

// Start-up.

void Session::restore_subscription(std::string topic_filter, const SubscriptionOptions& options) {
    subscriptions_.insert_or_assign(std::move(topic_filter), options);
}

void Session::restore_entry(std::uint64_t sequence, const records::EntryRecord& entry, MessagePtr message,
                            std::shared_ptr<StoredMessage> stored, std::shared_ptr<SharedGroup> group) {
    Tracked& tracked = tracked_[sequence];
    tracked.delivery.message = std::move(message);
    tracked.delivery.qos = entry.qos;
    tracked.delivery.retain = entry.retain;
    tracked.delivery.subscription_identifier = entry.subscription_identifier;
    tracked.delivery.group = std::move(group);
    if (tracked.delivery.group) tracked.delivery.group->queued();
    tracked.packet_id = entry.packet_id;
    tracked.released = entry.released;
    tracked.stored = true;
    tracked.body = std::move(stored);
    if (entry.packet_id != 0 && in_flight_.claim(entry.packet_id)) tracked_ids_[entry.packet_id] = sequence;
    next_sequence_ = std::max(next_sequence_, sequence + 1);
    count_queued(weight(*tracked.delivery.message));
}

void Session::restore_done(WallTime disconnected_at) {
    disconnected_at_ = disconnected_at;
    unsent_from_ = tracked_.empty() ? no_sequence : tracked_.begin()->first;
    ShardState& here = home();
    here.core.subscriptions.fetch_add(subscriptions_.size(), std::memory_order_relaxed);
    for (const auto& [topic_filter, options] : subscriptions_) enter(topic_filter, options);
    if (will_) here.wake_session_at(shared_from_this(), will_->due);
    if (expiry_s_ == SessionTerms::never) return;
    const auto offline = std::max(here.wall_now() - disconnected_at, WallTime::duration::zero());
    const auto left = std::chrono::milliseconds(std::chrono::seconds(expiry_s_)) - offline;
    expires_at_ = here.now() + std::max(left, std::chrono::milliseconds(0));
    expiring_ = true;
    here.wake_session_at(shared_from_this(), expires_at_);
}

}  // namespace fogbank::broker
