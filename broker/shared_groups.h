/// Shared subscriptions: `$share/<name>/<filter>`, one message to one member. Source: OASIS MQTT 5, section 4.8.2; reference "broker",
/// section 14.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/metrics.h"
#include "common/subscriber.h"
#include "common/topic.h"

namespace fogbank::broker {

class Router;
class Session;

/// One subscriber in the topic index for all members. Thread-safe: members are an immutable list that is replaced as a whole.
///
/// A message goes to the members in turn; one that does not keep up is passed over while another does. With nobody online a QoS 1 message
/// is queued by a persistent member, and goes to whoever comes back first. What a member has not acknowledged when it leaves goes to
/// others.
class SharedGroup final : public Subscriber, public std::enable_shared_from_this<SharedGroup> {
  public:
    /// @param queued_max  above it what has to wait is dropped. @param dropped  counts that.
    SharedGroup(std::string filter, std::size_t queued_max, Counter& dropped);
    ~SharedGroup() override;
    const std::string& filter() const { return filter_; }  ///< `$share/…`

    void deliver(const MessagePtr& message, const SubscriptionOptions& options, PublishContext& context) override;
    /// What a member gives back: it had a place in the group's queue and keeps it.
    void pass_on(const MessagePtr& message, PublishContext& context);
    /// A member keeps one message more, or one less, that it has not acknowledged.
    void queued() { queued_.fetch_add(1, std::memory_order_relaxed); }
    void unqueued() { queued_.fetch_sub(1, std::memory_order_relaxed); }

    /// Adds the member or replaces its options.
    void set(std::shared_ptr<Session> session, const SubscriptionOptions& options);
    void remove(const Session& session);
    void remove_all();
    std::size_t size() const { return members()->size(); }
    /// Whether a member other than `giver` is online.
    bool has_taker(const Session& giver) const;
    /// `session` is online again: offline members hand over what they keep for the group.
    void member_is_back(const Session& session);

  private:
    struct Member {
        std::shared_ptr<Session> session;
        SubscriptionOptions options;
    };
    using Members = std::vector<Member>;
    std::shared_ptr<const Members> members() const;
    template <class Change>
    void change(Change&& change);
    void hand_out(const MessagePtr& message, PublishContext& context, bool has_place);

    const std::string filter_;
    const std::size_t queued_max_;
    Counter& dropped_;
    std::atomic<std::size_t> queued_{0};
    mutable std::mutex mutex_;  ///< of the pointer; held for a copy of it
    std::shared_ptr<const Members> members_;
    std::atomic<std::uint32_t> turn_{0};
};

/// All groups of a broker. Thread-safe.
class SharedGroups {
  public:
    /// The other parameters are each group's.
    SharedGroups(Router& router, std::size_t queued_max, Counter& dropped);
    ~SharedGroups();
    /// @param filter  `$share/…`; `parts` its parts.
    void join(std::string_view filter, const SharedFilter& parts, std::shared_ptr<Session> session, const SubscriptionOptions& options);
    /// @return the group, if it has members left.
    std::shared_ptr<SharedGroup> leave(std::string_view filter, const Session& session);
    std::shared_ptr<SharedGroup> find(std::string_view filter) const;
    /// For the restore: the group also if it has no member yet.
    std::shared_ptr<SharedGroup> find_or_make(std::string_view filter);
    void member_is_back(std::string_view filter, const Session& session);
    std::size_t size() const;

  private:
    std::shared_ptr<SharedGroup>& made(std::string_view filter);

    Router& router_;
    const std::size_t queued_max_;
    Counter& dropped_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<SharedGroup>> groups_;
};

}  // namespace fogbank::broker
