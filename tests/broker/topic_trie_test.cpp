#include "broker/topic_trie.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "common/topic.h"
#include "tests/support/cases.h"

namespace fogbank::broker {
namespace {

using testing::Case;

class NamedSubscriber final : public Subscriber {
  public:
    void deliver(const MessagePtr&, const SubscriptionOptions&, PublishContext&) override {}
};
std::shared_ptr<Subscriber> make_subscriber() {
    return std::make_shared<NamedSubscriber>();
}

SubscriptionOptions with_identifier(std::uint32_t identifier) {
    SubscriptionOptions options;
    options.subscription_identifier = identifier;
    return options;
}

/// Who matched, with the identifier of the subscription, in a fixed order.
std::multiset<std::pair<const Subscriber*, std::uint32_t>> matches(const TopicTrie& trie, std::string_view topic) {
    std::vector<Match> found;
    trie.match(topic, found);
    std::multiset<std::pair<const Subscriber*, std::uint32_t>> out;
    for (const Match& match : found) out.emplace(match.subscriber.get(), match.options.subscription_identifier);
    return out;
}

class TrieMatch : public ::testing::TestWithParam<Case> {};

TEST_P(TrieMatch, AgreesWithTheCase) {
    const auto& c = GetParam().data;
    TopicTrie trie(c.value("parent_matches_hash", false));
    trie.insert(c["filter"].get<std::string>(), make_subscriber(), {});
    EXPECT_EQ(matches(trie, c["topic"].get<std::string>()).size(), c["expect"].get<bool>() ? 1U : 0U);
}
INSTANTIATE_TEST_SUITE_P(Cases, TrieMatch, ::testing::ValuesIn(testing::load_cases("topic/match.json")), testing::NameOfCase());

TEST(TopicTrie, InsertReplacesOptionsAndCountsSubscriptions) {
    TopicTrie trie(false);
    const auto a = make_subscriber();
    const auto b = make_subscriber();
    EXPECT_TRUE(trie.insert("x/+", a, with_identifier(1)));
    EXPECT_TRUE(trie.insert("x/+", b, with_identifier(2)));
    EXPECT_FALSE(trie.insert("x/+", a, with_identifier(3)));
    EXPECT_EQ(trie.size(), 2U);
    EXPECT_EQ(matches(trie, "x/y"), (std::multiset<std::pair<const Subscriber*, std::uint32_t>>{{a.get(), 3}, {b.get(), 2}}));
}

TEST(TopicTrie, ASubscriberWithOverlappingFiltersAppearsOncePerFilter) {
    TopicTrie trie(false);
    const auto a = make_subscriber();
    trie.insert("x/y", a, with_identifier(1));
    trie.insert("x/+", a, with_identifier(2));
    trie.insert("#", a, with_identifier(3));
    EXPECT_EQ(matches(trie, "x/y").size(), 3U);
}

TEST(TopicTrie, EraseOfWhatIsNotThereSaysSoAndChangesNothing) {
    TopicTrie trie(false);
    const auto a = make_subscriber();
    const auto b = make_subscriber();
    trie.insert("x/y", a, {});
    EXPECT_FALSE(trie.erase("x/y", *b));
    EXPECT_FALSE(trie.erase("x", *a));
    EXPECT_FALSE(trie.erase("x/y/z", *a));
    EXPECT_FALSE(trie.erase("x/+", *a));
    EXPECT_EQ(trie.size(), 1U);
    EXPECT_TRUE(trie.erase("x/y", *a));
    EXPECT_FALSE(trie.erase("x/y", *a));
    EXPECT_EQ(trie.size(), 0U);
    EXPECT_TRUE(matches(trie, "x/y").empty());
}

TEST(TopicTrie, KeepsItsSubscribersAliveUntilTheyAreErased) {
    TopicTrie trie(false);
    auto a = make_subscriber();
    const std::weak_ptr<Subscriber> watch = a;
    trie.insert("x", a, {});
    const Subscriber& reference = *a;
    a.reset();
    EXPECT_FALSE(watch.expired());
    EXPECT_TRUE(trie.erase("x", reference));
    EXPECT_TRUE(watch.expired());
}

// A session's destructor unsubscribes: the trie must be whole when the last reference goes.
TEST(TopicTrie, MayBeChangedByTheDestructorOfAnErasedSubscriber) {
    class Unsubscribing final : public Subscriber {
      public:
        explicit Unsubscribing(std::function<void()> last_words) : last_words_(std::move(last_words)) {}
        ~Unsubscribing() override { last_words_(); }
        void deliver(const MessagePtr&, const SubscriptionOptions&, PublishContext&) override {}

      private:
        std::function<void()> last_words_;
    };
    for (const int others : {0, 1, 40}) {
        TopicTrie trie(false);
        std::vector<std::shared_ptr<Subscriber>> kept;
        for (int i = 0; i < others; ++i) trie.insert("x/y", kept.emplace_back(make_subscriber()), {});
        const auto other = make_subscriber();
        trie.insert("x", other, {});
        auto subscriber = std::make_shared<Unsubscribing>([&] { EXPECT_TRUE(trie.erase("x", *other)); });
        const Subscriber& reference = *subscriber;
        trie.insert("x/y", std::move(subscriber), {});
        EXPECT_TRUE(trie.erase("x/y", reference));
        EXPECT_EQ(trie.size(), static_cast<std::size_t>(others));
        EXPECT_EQ(matches(trie, "x/y").size(), static_cast<std::size_t>(others));
    }
}

// 32,768 levels are what 65,535 bytes can hold: the walk must not use the stack for them.
TEST(TopicTrie, TakesTheDeepestFilter) {
    std::string topic;
    std::string filter;
    for (int i = 0; i < 32'767; ++i) {
        topic += "a/";
        filter += i % 2 == 0 ? "+/" : "a/";
    }
    TopicTrie trie(false);
    const auto a = make_subscriber();
    trie.insert(topic, a, {});
    trie.insert(filter + "+", a, {});
    EXPECT_EQ(matches(trie, topic).size(), 2U);
    EXPECT_EQ(matches(trie, topic + "a").size(), 1U);
    EXPECT_EQ(matches(trie, topic + "a/a").size(), 0U);
    EXPECT_TRUE(trie.erase(topic, *a));
    EXPECT_TRUE(trie.erase(filter + "+", *a));
}

// ---- The oracle: every subscription in a list, each compared by topic_matches. ----

class ObviousIndex {
  public:
    bool insert(const std::string& filter, const Subscriber* subscriber, std::uint32_t identifier) {
        return subscriptions_.insert_or_assign({filter, subscriber}, identifier).second;
    }
    bool erase(const std::string& filter, const Subscriber* subscriber) { return subscriptions_.erase({filter, subscriber}) != 0; }
    std::multiset<std::pair<const Subscriber*, std::uint32_t>> match(std::string_view topic, bool parent_matches_hash) const {
        std::multiset<std::pair<const Subscriber*, std::uint32_t>> out;
        for (const auto& [key, identifier] : subscriptions_) {
            if (topic_matches(key.first, topic, parent_matches_hash)) out.emplace(key.second, identifier);
        }
        return out;
    }
    std::size_t size() const { return subscriptions_.size(); }
    const auto& all() const { return subscriptions_; }

  private:
    std::map<std::pair<std::string, const Subscriber*>, std::uint32_t> subscriptions_;
};

class Generator {
  public:
    explicit Generator(unsigned seed) : engine_(seed) {}
    int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
    std::string topic() {
        static const char* const levels[] = {"a", "b", "", "$a", "ab"};
        std::string out;
        const int count = number(1, 4);
        for (int i = 0; i < count; ++i) out.append(i == 0 ? "" : "/").append(levels[number(0, 4)]);
        return out;
    }
    std::string filter() {
        static const char* const levels[] = {"a", "b", "", "$a", "ab", "+", "+", "+"};
        std::string out;
        const int count = number(1, 4);
        for (int i = 0; i < count; ++i)
            out.append(i == 0 ? "" : "/").append(i + 1 == count && number(0, 2) == 0 ? "#" : levels[number(0, 7)]);
        return out;
    }

  private:
    std::mt19937 engine_;
};

class TrieProperties : public ::testing::TestWithParam<bool> {};

TEST_P(TrieProperties, MatchesWhatTheObviousMatcherMatches) {
    const bool parent_matches_hash = GetParam();
    Generator random(parent_matches_hash ? 1 : 2);
    std::vector<std::shared_ptr<Subscriber>> subscribers;
    for (int i = 0; i < 40; ++i) subscribers.push_back(make_subscriber());
    for (int round = 0; round < 20; ++round) {
        TopicTrie trie(parent_matches_hash);
        ObviousIndex oracle;
        // Few filters with many subscribers in some rounds (the sets' index), many filters in others; sometimes more erased than inserted.
        const int used_subscribers = round % 3 == 0 ? 40 : 3;
        for (int step = 0; step < 1500; ++step) {
            const bool grows = (step / 300) % 2 == 0;
            const auto& subscriber = subscribers[static_cast<std::size_t>(random.number(0, used_subscribers - 1))];
            const std::string filter = round % 3 == 0 ? random.topic().substr(0, 1) : random.filter();
            if (random.number(0, 3) < (grows ? 3 : 1)) {
                const auto identifier = static_cast<std::uint32_t>(random.number(1, 1000));
                ASSERT_EQ(trie.insert(filter, subscriber, with_identifier(identifier)), oracle.insert(filter, subscriber.get(), identifier))
                    << filter;
            } else {
                ASSERT_EQ(trie.erase(filter, *subscriber), oracle.erase(filter, subscriber.get())) << filter;
            }
            ASSERT_EQ(trie.size(), oracle.size());
            if (step % 8 != 0) continue;  // the oracle is linear
            const std::string topic = random.topic();
            ASSERT_EQ(matches(trie, topic), oracle.match(topic, parent_matches_hash)) << topic;
        }
        const auto all = oracle.all();
        for (const auto& [key, identifier] : all) ASSERT_TRUE(trie.erase(key.first, *key.second)) << key.first;
        ASSERT_EQ(trie.size(), 0U);
        ASSERT_TRUE(matches(trie, "a").empty());
    }
}
INSTANTIATE_TEST_SUITE_P(ParentMatchesHash, TrieProperties, ::testing::Bool());

// The table of nodes grows and shrinks by single buckets: every size on the way up and down must find every filter.
TEST(TopicTrie, FindsEachOfManyFiltersWhileItGrowsAndShrinks) {
    constexpr int filters = 3000;
    TopicTrie trie(false);
    const auto a = make_subscriber();
    const auto topic = [](int i) { return "site/" + std::to_string(i % 50) + "/sensor-" + std::to_string(i); };
    for (int i = 0; i < filters; ++i) {
        ASSERT_TRUE(trie.insert(topic(i), a, {}));
        ASSERT_EQ(matches(trie, topic(i / 2)).size(), 1U);
    }
    for (int i = 0; i < filters; ++i) ASSERT_EQ(matches(trie, topic(i)).size(), 1U);
    for (int i = 0; i < filters; ++i) {
        ASSERT_TRUE(trie.erase(topic(i), *a));
        ASSERT_TRUE(matches(trie, topic(i)).empty());
        ASSERT_EQ(matches(trie, topic(filters - 1)).size(), i + 1 < filters ? 1U : 0U);
    }
}

// Quadratic behaviour would make this run for minutes: 100,000 subscribers of one filter, erased in random order.
TEST(TopicTrie, ErasesFromAHundredThousandSubscribersOfOneFilter) {
    constexpr std::size_t count = 100'000;
    TopicTrie trie(false);
    std::vector<std::shared_ptr<Subscriber>> subscribers;
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(trie.insert("all/+", subscribers.emplace_back(make_subscriber()), {}));
    EXPECT_EQ(matches(trie, "all/x").size(), count);
    std::shuffle(subscribers.begin(), subscribers.end(), std::mt19937(1));
    for (const auto& subscriber : subscribers) ASSERT_TRUE(trie.erase("all/+", *subscriber));
    EXPECT_EQ(trie.size(), 0U);
    EXPECT_TRUE(matches(trie, "all/x").empty());
}

}  // namespace
}  // namespace fogbank::broker
