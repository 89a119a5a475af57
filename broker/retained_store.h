/// Retained messages: the last one of each topic, for subscribers to come. Source: OASIS MQTT 5, section 3.3.1.3; reference "broker",
/// section 12.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/acknowledgement.h"
#include "common/clock.h"
#include "common/message.h"
#include "common/quotas.h"
#include "common/retained_messages.h"
#include "store/kv/engine.h"

namespace fogbank::broker {

/// Topics and what ListRetainedMessages shows of them are in memory, payloads in the store (in memory, too, until they are committed, or if
/// there is no store). Thread-safe.
class RetainedStore final : public RetainedMessages {
  public:
    RetainedStore(store::kv::Engine* store, const Clock& clock, const Quotas& quotas);
    ~RetainedStore() override;

    /// Reads what is stored. Before the first message.
    boost::asio::awaitable<Result<void>> restore();

    /// Whether the account may retain one more message now: how many there are, how fast they come. Counts against the rates if so.
    /// @return the reason if not; the message is then not to be retained.
    Result<void> admit(std::string_view topic_name, bool deletes);

    /// Remembers the message, or forgets the topic's if the payload is empty. Takes a hold until it is committed.
    void keep(const MessagePtr& message, PublishContext& context);

    bool has(std::string_view topic_name) const;
    /// Topics that match `topic_filter` with wildcards, at most `count_max`.
    std::vector<std::string> matching(std::string_view topic_filter, bool parent_matches_hash, std::size_t count_max) const;

    boost::asio::awaitable<Result<MessagePtr>> find_retained(std::string topic_name) override;
    RetainedPage list_retained(const std::string& after, std::size_t items_max) const override;

  private:
    struct Entry {
        std::uint64_t generation = 0;  ///< which publish it is from
        std::size_t payload_bytes = 0;
        Qos qos = Qos::at_most_once;
        WallTime last_modified{};
        WallTime expires = WallTime::max();
        MessagePtr message;  ///< until it is committed
        double tokens = 0;   ///< of the rate per topic
        WallTime tokens_at{};
    };
    void committed(const std::string& topic_name, std::uint64_t generation);
    bool is_live(const Entry& entry) const;
    void forget_expired();

    store::kv::Engine* const store_;
    const Clock& clock_;
    const std::int64_t count_max_, per_second_, per_second_per_topic_;
    std::mutex commit_mutex_;  ///< taken before `mutex_`: what is remembered in an order is written in that order
    mutable std::mutex mutex_;
    std::map<std::string, Entry, std::less<>> entries_;
    std::uint64_t next_generation_ = 1;
    double tokens_ = 0;
    WallTime tokens_at_{};
};

}  // namespace fogbank::broker
