// The query language of fleet indexing, searching, counting, and dynamic groups.

#include "registry/fleet_index.h"

#include <future>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "common/message.h"
#include "common/shadows.h"
#include "common/shard.h"
#include "common/subscriber.h"
#include "common/topic.h"
#include "registry/detail/keys.h"
#include "registry/index_query.h"
#include "registry/thing_groups.h"
#include "registry/thing_types.h"
#include "tests/registry/support.h"

namespace fogbank::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Quotas aws_quotas(QuotaProfile::aws);

IndexDocument sample() {
    return {{"thingName", "Gateway-1", std::nullopt},       {"thingTypeName", "pump", std::nullopt},
            {"attributes.site", "Lab North", std::nullopt}, {"thingGroupNames", "a", std::nullopt},
            {"thingGroupNames", "b", std::nullopt},         {"shadow.reported.t", "21.5", 21.5},
            {"shadow.reported.nested.x", "-3", -3.0},       {"connectivity.connected", "true", std::nullopt}};
}

struct QueryCase {
    const char* query;
    bool matches;
};

class Queries : public ::testing::TestWithParam<QueryCase> {};

TEST_P(Queries, Match) {
    const auto query = IndexQuery::parse(GetParam().query, aws_quotas);
    ASSERT_TRUE(query) << query.error().message;
    EXPECT_EQ(query->matches(sample()), GetParam().matches) << GetParam().query;
}

// Source: AWS IoT Core Developer Guide, "Example thing queries".
INSTANTIATE_TEST_SUITE_P(
    All, Queries,
    ::testing::Values(QueryCase{"*", true}, QueryCase{"thingName:gateway-1", true}, QueryCase{"thingName:gate*", true},
                      QueryCase{"thingName:gate", false}, QueryCase{"thingName:gatewa?-?", true}, QueryCase{"thingname:gateway-1", false},
                      QueryCase{"gateway-1", true}, QueryCase{"PUMP", true}, QueryCase{"attributes.site:\"lab north\"", true},
                      QueryCase{"attributes.site:lab", false}, QueryCase{"attributes.site:*", true}, QueryCase{"attributes.none:*", false},
                      QueryCase{"shadow.reported.nested:*", true}, QueryCase{"thingGroupNames:b", true},
                      QueryCase{"thingGroupNames:a AND thingGroupNames:b", true}, QueryCase{"thingGroupNames:(a AND c)", false},
                      QueryCase{"thingGroupNames:(c OR b)", true}, QueryCase{"thingName:(gate* AND -plasma)", true},
                      QueryCase{"shadow.reported.t:[20 TO 22]", true}, QueryCase{"shadow.reported.t:[21.5 TO 22]", true},
                      QueryCase{"shadow.reported.t:{21.5 TO 22]", false}, QueryCase{"shadow.reported.t:[20 TO 21.5}", false},
                      QueryCase{"shadow.reported.t:[* TO 21.5]", true}, QueryCase{"shadow.reported.t > 21", true},
                      QueryCase{"shadow.reported.t>=21.5", true}, QueryCase{"shadow.reported.t:<21.5", false},
                      QueryCase{"shadow.reported.nested.x:[-5 TO -1]", true}, QueryCase{"shadow.reported.nested.x:-3", true},
                      QueryCase{"shadow.reported.t:21.50", true}, QueryCase{"thingName:[a TO h]", true},
                      QueryCase{"thingName:[h TO z]", false}, QueryCase{"NOT connectivity.connected:true", false},
                      QueryCase{"-connectivity.connected:false", true}, QueryCase{"thingTypeName:pump thingName:nobody", false},
                      QueryCase{"thingTypeName:pump OR thingName:nobody", true},
                      QueryCase{"thingName:nobody OR thingTypeName:pump AND thingGroupNames:a", true},
                      QueryCase{"(thingName:nobody OR thingTypeName:pump) AND thingGroupNames:z", false}));

class BadQueries : public ::testing::TestWithParam<const char*> {};

TEST_P(BadQueries, AreRefused) {
    const auto query = IndexQuery::parse(GetParam(), aws_quotas);
    ASSERT_FALSE(query) << GetParam();
    EXPECT_EQ(query.error().code, Errc::invalid_query);
}

INSTANTIATE_TEST_SUITE_P(All, BadQueries,
                         ::testing::Values("", "   ", "a AND", "(a", "a)", "a:", "a:[1 TO", "a:[1 2]", "a:[1 TO 2", "\"open", "a OR OR b",
                                           "NOT", "> 5", "a:x*y*z*", "a:??????", "*a *b", "a/b", "a@b", "1 2 3 4 5 6 7 8 9 10 11 12 13",
                                           "a:\xff", "((((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))))"));

TEST(IndexQuery, KnowsWhatItAsksFor) {
    EXPECT_TRUE(IndexQuery::parse("shadow.reported.t>1", aws_quotas)->asks_for("shadow."));
    EXPECT_FALSE(IndexQuery::parse("thingName:a", aws_quotas)->asks_for("shadow."));
    EXPECT_TRUE(IndexQuery::parse("anything", aws_quotas)->asks_for("shadow."));
    EXPECT_FALSE(IndexQuery::parse(std::string(1001, 'a'), aws_quotas));
}

/// Documents as a test says.
class FixedShadows final : public Shadows {
  public:
    boost::asio::awaitable<Result<std::string>> get_shadow(ThingName thing, std::string shadow_name) override {
        const std::scoped_lock lock(mutex);
        const auto found = documents.find(thing.str() + "/" + shadow_name);
        if (found == documents.end()) co_return Error(Errc::resource_not_found, "no shadow");
        co_return found->second;
    }
    boost::asio::awaitable<Result<std::string>> update_shadow(ThingName, std::string, std::string) override {
        co_return Error(Errc::invalid_request, "not in this test");
    }
    void set(const std::string& key, const std::string& document) {
        const std::scoped_lock lock(mutex);
        documents[key] = document;
    }
    std::mutex mutex;
    std::map<std::string, std::string> documents;
};

/// Subscriptions that a test publishes to by hand.
class HandIndex final : public TopicIndex {
  public:
    void subscribe(std::string_view filter, std::shared_ptr<Subscriber> subscriber, const SubscriptionOptions&) override {
        const std::scoped_lock lock(mutex);
        entries.emplace_back(filter, std::move(subscriber));
    }
    bool unsubscribe(std::string_view filter, const Subscriber& subscriber) override {
        const std::scoped_lock lock(mutex);
        return std::erase_if(entries, [&](const auto& entry) { return entry.first == filter && entry.second.get() == &subscriber; }) > 0;
    }
    void publish(const std::string& topic, const std::string& payload) {
        class NoHold final : public PublishContext {
            Hold hold() override { return {}; }
        } context;
        Message::Options options;
        options.topic_name = topic;
        options.payload = payload;
        options.origin = std::make_shared<const MessageOrigin>();
        const MessagePtr message = Message::create(std::move(options));
        std::unique_lock lock(mutex);
        const auto now = entries;
        lock.unlock();
        for (const auto& [filter, subscriber] : now) {
            if (topic_matches(filter, topic)) subscriber->deliver(message, SubscriptionOptions(), context);
        }
    }
    std::size_t size() {
        const std::scoped_lock lock(mutex);
        return entries.size();
    }

  private:
    std::mutex mutex;
    std::vector<std::pair<std::string, std::shared_ptr<Subscriber>>> entries;
};

struct IndexWorld : World {
    FleetIndex& index = registry->index();
    FixedShadows shadows;
    HandIndex topics;
    ShardPool shards{1};

    explicit IndexWorld(const std::string& mode = "REGISTRY_AND_SHADOW") {
        configure(mode);
        shards.start();
        index.start(shards, topics, &shadows);
    }
    ~IndexWorld() {
        index.stop();
        shards.stop();
    }
    void configure(const std::string& mode) {
        IndexingUpdate update;
        update.things = update.groups = true;
        update.configuration.thing_mode = mode;
        update.configuration.group_mode = "ON";
        if (mode != "OFF") update.configuration.connectivity_mode = "STATUS";
        const auto done = run(index.update_indexing_configuration(update));
        EXPECT_TRUE(done) << done.error().message;
    }
    static IndexRequest request(const std::string& query) {
        IndexRequest out;
        out.query = query;
        return out;
    }
    std::size_t count(const std::string& query) {
        const auto found = run(index.search(request(query)));
        EXPECT_TRUE(found) << found.error().message;
        return found ? found->documents.size() : 0;
    }
    /// Gives the background work turn after turn of the shard that it runs on, until the condition holds. False: it went on for far more
    /// turns than any of these worlds needs.
    template <class Condition>
    bool eventually(Condition condition) {
        for (int turn = 0; turn < 20'000; ++turn) {
            if (condition()) return true;
            std::promise<void> passed;
            shards[0].post([&passed] { passed.set_value(); });
            passed.get_future().wait();
        }
        return false;
    }
};

TEST(IndexQuery, KnowsWhichTermItDemands) {
    const auto term = [](const char* text) -> std::string {
        const auto found = IndexQuery::parse(text, aws_quotas)->lookup();
        return found ? found->term.field + " " + found->term.value + (found->prefix ? "*" : "") : "none";
    };
    EXPECT_EQ(term("thingName:Gate-1"), "thingName tgate-1");
    EXPECT_EQ(term("attributes.site:\"Lab North\""), "attributes.site tlab north");
    EXPECT_EQ(term("attributes.floor:3.0"), "attributes.floor n3");
    EXPECT_EQ(term("attributes.site:lab AND (thingTypeName:pump thingName:t)"), "thingName tt");
    EXPECT_EQ(term("attributes.site:lab shadow.reported.t>5"), "attributes.site tlab");
    EXPECT_EQ(term("thingName:Gate*"), "thingName tgate*");
    EXPECT_EQ(term("thingName:gate* attributes.site:lab"), "attributes.site tlab");
    EXPECT_EQ(term("attributes.site:l* AND thingName:g*"), "thingName tg*");
    for (const char* text : {"*", "lab", "thingName:*", "thingName:g*e*", "thingName:g?", "thingName:*e", "gate*", "thingTypeName:pu?p*",
                             "attributes.site:lab OR thingName:t", "NOT thingName:t", "shadow.reported.t:5", "attributes.n>5"})
        EXPECT_EQ(term(text), "none") << text;
}

TEST(FleetIndex, IsOffUntilSwitchedOn) {
    IndexWorld world("OFF");
    world.thing("t");
    expect_error(run(world.index.search(IndexWorld::request("*"))), Errc::resource_not_found, "AWS_Things");
    expect_error(run(world.index.describe_index("AWS_Things")), Errc::resource_not_found, "");
    world.configure("REGISTRY");
    EXPECT_EQ(world.count("*"), 1U);
    EXPECT_EQ(run(world.index.describe_index("AWS_Things"))->schema, "REGISTRY_AND_CONNECTIVITY_STATUS");
    EXPECT_THAT(*run(world.index.list_indices()), ElementsAre("AWS_ThingGroups", "AWS_Things"));
    IndexingUpdate bad;
    bad.things = true;
    bad.configuration.thing_mode = "ALL";
    expect_error(run(world.index.update_indexing_configuration(bad)), Errc::invalid_request, "ALL");
}

TEST(FleetIndex, SearchesRegistryShadowsAndConnections) {
    IndexWorld world;
    for (int i = 0; i < 5; ++i) {
        const std::string name = "t" + std::to_string(i);
        world.thing(name, {{"site", i < 2 ? "lab" : "plant"}});
        world.shadows.set(name + "/", R"({"state":{"reported":{"temperature":)" + std::to_string(20 + i) +
                                          R"(},"desired":{"a":1},"delta":{"a":1}},"metadata":{},"version":1})");
    }
    EXPECT_EQ(world.count("attributes.site:lab"), 2U);
    EXPECT_EQ(world.count("shadow.reported.temperature > 22"), 2U);
    EXPECT_EQ(world.count("attributes.site:plant AND shadow.reported.temperature:[20 TO 22]"), 1U);
    EXPECT_EQ(world.count("shadow.hasDelta:true"), 5U);
    world.topics.publish("$aws/events/presence/connected/t1", R"({"clientId":"t1","timestamp":1000,"versionNumber":0})");
    EXPECT_TRUE(world.eventually([&] { return world.count("connectivity.connected:true") == 1; }));
    world.topics.publish("$aws/events/presence/disconnected/t1",
                         R"({"clientId":"t1","timestamp":2000,"versionNumber":0,"disconnectReason":"CLIENT_ERROR"})");
    world.topics.publish("$aws/events/presence/connected/t1", R"({"clientId":"t1","timestamp":500,"versionNumber":0})");
    world.topics.publish("$aws/events/presence/connected/nobody", R"({"clientId":"nobody","timestamp":500})");
    EXPECT_TRUE(
        world.eventually([&] { return world.count("connectivity.connected:false connectivity.disconnectReason:CLIENT_ERROR") == 1; }));
    const auto found = run(world.index.search(IndexWorld::request("thingName:t1")));
    ASSERT_EQ(found->documents.size(), 1U);
    EXPECT_THAT(found->documents.front(), ::testing::HasSubstr(R"("connectivity":{"connected":false,"disconnectReason":"CLIENT_ERROR")"));
    EXPECT_THAT(found->documents.front(), ::testing::HasSubstr(R"("shadow":"{)"));
}

TEST(FleetIndex, PagesAreExactAndComplete) {
    IndexWorld world("REGISTRY");
    for (int i = 0; i < 30; ++i) world.thing("t" + std::to_string(100 + i), {{"n", std::to_string(i % 3)}});
    IndexRequest request = IndexWorld::request("attributes.n:1");
    request.items_max = 3;
    std::size_t found = 0;
    do {
        const auto page = run(world.index.search(request));
        ASSERT_TRUE(page);
        EXPECT_LE(page->documents.size(), 3U);
        found += page->documents.size();
        request.marker = page->next;
    } while (request.marker);
    EXPECT_EQ(found, 10U);
}

// A query by a term reads other keys than one that reads the fleet: both must say the same after every change.
TEST(FleetIndex, TermsFollowChanges) {
    IndexWorld world("REGISTRY");
    const auto both = [&](const std::string& query) {
        const std::size_t by_term = world.count(query);
        EXPECT_EQ(by_term, world.count("(" + query + " OR " + query + ")")) << query;
        return by_term;
    };
    world.thing("Gate-1", {{"site", "Lab-North"}, {"floor", "3"}});
    world.thing("gate-2", {{"site", "lab-north"}, {"floor", "3.0"}});
    EXPECT_EQ(both("thingName:gate-1"), 1U);
    EXPECT_EQ(both("thingName:GATE-2"), 1U);
    EXPECT_EQ(both("attributes.site:\"lab-north\""), 2U);
    EXPECT_EQ(both("attributes.floor:3"), 2U);
    EXPECT_EQ(both("attributes.floor:3.00"), 2U);
    EXPECT_EQ(both("attributes.floor:4"), 0U);
    UpdateThingRequest update;
    update.name = ThingName("gate-2");
    update.attributes = Attributes{{"site", "plant"}};
    update.merge = true;
    ASSERT_TRUE(run(world->update_thing(update)));
    EXPECT_EQ(both("attributes.site:\"lab-north\""), 1U);
    EXPECT_EQ(both("attributes.site:plant"), 1U);
    EXPECT_EQ(both("attributes.floor:3"), 2U);
    ASSERT_TRUE(run(world->delete_thing(ThingName("Gate-1"), std::nullopt)));
    EXPECT_EQ(both("thingName:gate-1"), 0U);
    EXPECT_EQ(both("attributes.floor:3"), 1U);
}

/// Random things that change, and random queries: what is found through terms must be what reading the whole fleet finds.
class RandomFleet {
  public:
    explicit RandomFleet(unsigned seed) : world_("REGISTRY"), random_(seed) {
        for (const char* type : {"pump", "Valve"}) EXPECT_TRUE(run(world_->thing_types().create_thing_type(type, {}, {})));
    }

    void change() {
        const ThingName name(pick({"gate", "Gate", "gate-1", "Gate-1", "ga", "7", "07", "x"}) + pick({"", "", "-a", "2"}));
        if (below(4) == 0) {
            ASSERT_TRUE(run(world_->delete_thing(name, std::nullopt)));
            return;
        }
        Attributes attributes;
        for (const char* field : {"a", "b"}) {
            if (below(4) != 0) attributes[field] = value();
        }
        const std::string type = pick({"", "pump", "Valve"});
        if (run(world_->describe_thing(name))) {
            UpdateThingRequest update;
            update.name = name;
            update.type_name = type;
            update.remove_type = type.empty() && below(2) == 0;
            update.merge = below(2) == 0;
            update.attributes = attributes;
            ASSERT_TRUE(run(world_->update_thing(update)));
            return;
        }
        CreateThingRequest create;
        create.name = name;
        create.type_name = type;
        create.attributes = attributes;
        ASSERT_TRUE(run(world_->create_thing(create)));
    }

    std::string query(int depth) {
        const auto kind = depth == 0 ? 5 : below(8);
        if (kind == 0) return "(" + query(depth - 1) + " OR " + query(depth - 1) + ")";
        if (kind == 1) return "NOT " + query(depth - 1);
        if (kind <= 4) return "(" + query(depth - 1) + " AND " + query(depth - 1) + ")";
        const std::string field = pick({"thingName", "thingTypeName", "attributes.a", "attributes.b", "attributes.A"});
        const std::string text = below(2) == 0 ? value() : pick({"gate", "GATE-1", "pump", "valve", "7.00", "gate-a"});
        switch (below(4)) {
            case 0:
                return field + ":" + text.substr(0, 1 + below(text.size())) + "*";
            case 1:
                return field + ">" + text;
            default:
                return field + ":" + text;
        }
    }

    /// All documents, in pages of some size.
    std::multiset<std::string> find(const std::string& query) {
        std::multiset<std::string> out;
        IndexRequest request = IndexWorld::request(query);
        request.items_max = static_cast<std::int64_t>(1 + below(5));
        do {
            const auto page = run(world_.index.search(request));
            EXPECT_TRUE(page) << query;
            if (!page) break;
            EXPECT_LE(page->documents.size(), static_cast<std::size_t>(request.items_max));
            out.insert(page->documents.begin(), page->documents.end());
            request.marker = page->next;
        } while (request.marker);
        return out;
    }

  private:
    std::size_t below(std::size_t bound) { return random_() % bound; }
    std::string pick(std::vector<std::string> from) { return from[below(from.size())]; }
    std::string value() { return pick({"lab", "Lab", "lab1", "3", "3.0", "03", "1e3", "1000", "-0", "0", "la", "nan"}); }

    IndexWorld world_;
    std::mt19937 random_;
};

TEST(FleetIndex, TermsFindWhatReadingTheFleetFinds) {
    std::size_t looked_up = 0, found = 0;
    for (unsigned seed = 1; seed <= 12; ++seed) {
        RandomFleet fleet(seed);
        for (int round = 0; round < 40; ++round) {
            for (int change = 0; change < 3; ++change) fleet.change();
            const std::string query = fleet.query(2);
            const auto parsed = IndexQuery::parse(query, aws_quotas);
            ASSERT_TRUE(parsed) << query;
            looked_up += parsed->lookup() ? 1 : 0;
            const auto matches = fleet.find(query);
            // Nothing is demanded by an alternative: this reads the fleet.
            ASSERT_EQ(matches, fleet.find("(" + query + " OR " + query + ")")) << query << " seed " << seed;
            found += matches.size();
        }
    }
    EXPECT_GT(looked_up, 150U);
    EXPECT_GT(found, 500U);
}

TEST(FleetIndex, ThingsOfAnOlderVersionGetTheirTermsAtTheStart) {
    World world;
    for (int i = 0; i < 600; ++i) world.thing("t" + std::to_string(i), {{"site", i % 2 == 0 ? "even" : "odd"}});
    store::kv::TransactionBody forget = [](store::kv::Transaction& transaction) -> Result<void> {
        for (const char* site : {"even", "odd"})
            transaction.erase_range(keys::search_term_things("attributes.site", std::string("t") + site));
        transaction.erase(keys::setting("search-terms"));
        return {};
    };
    ASSERT_TRUE(run(world.engine->transact(std::move(forget))));
    world.registry = world.open(QuotaProfile::aws);
    IndexingUpdate on;
    on.things = true;
    on.configuration.thing_mode = "REGISTRY";
    ASSERT_TRUE(run(world->index().update_indexing_configuration(on)));
    IndexRequest request;
    request.query = "attributes.site:odd";
    request.items_max = 500;
    EXPECT_EQ(run(world->index().search(request))->documents.size(), 300U);
}

TEST(FleetIndex, CountsAndMeasures) {
    IndexWorld world("REGISTRY");
    for (int i = 1; i <= 4; ++i) world.thing("t" + std::to_string(i), {{"n", std::to_string(i)}, {"kind", i < 4 ? "a" : "b"}});
    IndexRequest request = IndexWorld::request("*");
    request.field = "attributes.n";
    const auto statistics = run(world.index.statistics(request));
    ASSERT_TRUE(statistics);
    EXPECT_EQ(statistics->count, 4);
    EXPECT_DOUBLE_EQ(statistics->average, 2.5);
    EXPECT_DOUBLE_EQ(statistics->sum_of_squares, 30);
    EXPECT_DOUBLE_EQ(statistics->variance, 1.25);
    const auto percentiles = run(world.index.percentiles(request, {0, 50, 100}));
    EXPECT_THAT(*percentiles, ElementsAre(std::pair(0.0, 1.0), std::pair(50.0, 2.5), std::pair(100.0, 4.0)));
    request.field = "attributes.kind";
    EXPECT_EQ(*run(world.index.cardinality(request)), 2);
    const auto buckets = run(world.index.buckets(request));
    EXPECT_EQ(buckets->total, 4);
    EXPECT_THAT(buckets->buckets, ElementsAre(std::pair<std::string, std::int64_t>("a", 3), std::pair<std::string, std::int64_t>("b", 1)));
    expect_error(run(world.index.percentiles(request, {50})), Errc::invalid_aggregation, "numbers");
    expect_error(run(world.index.statistics(IndexWorld::request("a:["))), Errc::invalid_query, "");
}

/// What nobody hears is not written: a server without an index must not pay for one with every shadow update and every connection.
TEST(FleetIndex, ListensOnlyToWhatItNeeds) {
    IndexWorld world;
    constexpr std::size_t presence = 2, shadows = 4;
    EXPECT_EQ(world.topics.size(), presence);
    world.configure("OFF");
    EXPECT_EQ(world.topics.size(), 0U);
    world.configure("REGISTRY_AND_SHADOW");
    EXPECT_EQ(world.topics.size(), presence);
    CreateThingGroupRequest request;
    request.name = "labs";
    request.dynamic = GroupQuery{"AWS_Things", "shadow.reported.hot:true", "2017-09-30"};
    ASSERT_TRUE(run(world->thing_groups().create_thing_group(request)));
    EXPECT_TRUE(world.eventually([&] { return world.topics.size() == presence + shadows; }));
    ASSERT_TRUE(run(world->thing_groups().delete_thing_group("labs", true, std::nullopt)));
    EXPECT_TRUE(world.eventually([&] { return world.topics.size() == presence; }));
}

TEST(DynamicGroups, FollowTheFleet) {
    IndexWorld world;
    world.thing("old", {{"site", "lab"}});
    CreateThingGroupRequest request;
    request.name = "labs";
    request.dynamic = GroupQuery{"AWS_Things", "attributes.site:lab OR shadow.reported.hot:true", "2017-09-30"};
    ASSERT_TRUE(run(world->thing_groups().create_thing_group(request)));
    const auto members = [&] { return *run(world->things_in_group("labs")); };
    EXPECT_TRUE(world.eventually([&] { return members() == std::vector{ThingName("old")}; }));
    EXPECT_TRUE(world.eventually([&] { return !run(world->thing_groups().describe_thing_group("labs"))->building; }));
    world.thing("new", {{"site", "lab"}});
    world.thing("other", {{"site", "plant"}});
    EXPECT_TRUE(world.eventually([&] { return members() == std::vector{ThingName("new"), ThingName("old")}; }));
    UpdateThingRequest away;
    away.name = ThingName("old");
    away.attributes = Attributes{{"site", "plant"}};
    ASSERT_TRUE(run(world->update_thing(away)));
    EXPECT_TRUE(world.eventually([&] { return members() == std::vector{ThingName("new")}; }));
    world.shadows.set("other/", R"({"state":{"reported":{"hot":true}},"metadata":{},"version":1})");
    world.topics.publish("$aws/things/other/shadow/update/documents", "{}");
    EXPECT_TRUE(world.eventually([&] { return members() == std::vector{ThingName("new"), ThingName("other")}; }));

    expect_error(run(world->thing_groups().add_thing_to_group("labs", ThingName("old"), false)), Errc::invalid_request, "dynamic");
    expect_error(run(world->thing_groups().delete_thing_group("labs", false, std::nullopt)), Errc::invalid_request, "dynamic");
    UpdateThingGroupRequest narrower;
    narrower.name = "labs";
    narrower.is_dynamic = true;
    narrower.query = "thingName:old";
    ASSERT_TRUE(run(world->thing_groups().update_thing_group(narrower)));
    EXPECT_TRUE(world.eventually([&] { return members() == std::vector{ThingName("old")}; }));
    request.name = "bad";
    request.dynamic->query = "a:[";
    expect_error(run(world->thing_groups().create_thing_group(request)), Errc::invalid_query, "");
    ASSERT_TRUE(run(world->thing_groups().delete_thing_group("labs", true, std::nullopt)));
    EXPECT_THAT(run(world->thing_groups().list_groups_of_thing(ThingName("old"), {}))->items, IsEmpty());
}

}  // namespace
}  // namespace fogbank::registry
