#include <atomic>
#include <thread>

#include "tests/registry/support.h"

namespace fogbank::registry {
namespace {

TEST(Things, AreCreatedDescribedListedDeleted) {
    World world;
    const auto made = run(world->create_thing(World::request("gw-1", {{"site", "lab"}})));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->arn, "arn:aws:iot:eu-west-1:123456789012:thing/gw-1");
    EXPECT_EQ(made->id.size(), 36U);
    EXPECT_EQ(made->version, 1);
    const auto described = run(world->describe_thing(ThingName("gw-1")));
    ASSERT_TRUE(described);
    EXPECT_EQ(described->id, made->id);
    EXPECT_EQ(described->attributes.at("site"), "lab");
    EXPECT_EQ(run(world->list_things({}, {}))->items.size(), 1U);
    EXPECT_TRUE(run(world->delete_thing(ThingName("gw-1"), std::nullopt)));
    expect_error(run(world->describe_thing(ThingName("gw-1"))), Errc::resource_not_found, "gw-1");
    EXPECT_TRUE(run(world->list_things({}, {}))->items.empty());
}

TEST(Things, SameConfigurationAnswersTheExistingThing) {
    World world;
    const auto first = run(world->create_thing(World::request("gw-1", {{"a", "b"}})));
    const auto second = run(world->create_thing(World::request("gw-1", {{"a", "b"}})));
    ASSERT_TRUE(second);
    EXPECT_EQ(first->id, second->id);
    expect_error(run(world->create_thing(World::request("gw-1", {{"a", "c"}}))), Errc::resource_already_exists, "gw-1 already exists");
    EXPECT_EQ(run(world->describe_thing(ThingName("gw-1")))->attributes.at("a"), "b");
}

TEST(Things, NamesAndAttributesAreValidatedWithAwsText) {
    World world;
    expect_error(run(world->create_thing(World::request("a b"))), Errc::invalid_request,
                 "1 validation error detected: Value 'a b' at 'thingName' failed to satisfy constraint: Member must satisfy regular "
                 "expression pattern: "
                 "[a-zA-Z0-9:_-]+");
    expect_error(run(world->create_thing(World::request(""))), Errc::invalid_request, "Member must have length greater than or equal to 1");
    expect_error(run(world->create_thing(World::request(std::string(129, 'a')))), Errc::invalid_request,
                 "Member must have length less than or equal to 128");
    EXPECT_TRUE(run(world->create_thing(World::request(std::string(128, 'a')))));
    expect_error(run(world->create_thing(World::request("a b", {{"x y", "1"}}))), Errc::invalid_request, "2 validation errors detected: ");
    expect_error(run(world->create_thing(World::request("t", {{"a", std::string(801, 'x')}}))), Errc::invalid_request,
                 "less than or equal to 800");
    expect_error(run(world->create_thing(World::request("t", {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}}))), Errc::invalid_request,
                 "at most 3 attributes");
    expect_error(run(world->create_thing(World::request("bad\xff name"))), Errc::invalid_request, "(not UTF-8)");
    expect_error(run(world->describe_thing(ThingName("a/b"))), Errc::invalid_request, "thingName");
}

TEST(Things, UnknownTypesAndGroupsAreNotFound) {
    World world;
    CreateThingRequest request = World::request("t");
    request.type_name = "pump";
    expect_error(run(world->create_thing(request)), Errc::resource_not_found, "pump");
    request.type_name.clear();
    request.billing_group_name = "plant";
    expect_error(run(world->create_thing(request)), Errc::resource_not_found, "plant");
    expect_error(run(world->describe_thing(ThingName("t"))), Errc::resource_not_found, "t");
}

TEST(Things, DeleteChecksVersionAndPrincipals) {
    World world;
    EXPECT_TRUE(run(world->delete_thing(ThingName("never-was"), std::nullopt)));
    world.thing("t");
    expect_error(run(world->delete_thing(ThingName("t"), 2)), Errc::version_conflict,
                 "The version for thing t does not match the expected version.");
    const auto certificate = world.certificate();
    ASSERT_TRUE(run(world->attach_thing_principal(ThingName("t"), certificate.arn, PrincipalType::non_exclusive)));
    expect_error(run(world->delete_thing(ThingName("t"), 1)), Errc::invalid_request,
                 "Cannot delete. Thing t is still attached to one or more principals");
    ASSERT_TRUE(run(world->detach_thing_principal(ThingName("t"), certificate.arn)));
    EXPECT_TRUE(run(world->delete_thing(ThingName("t"), 1)));
}

TEST(Things, ListsContinueByMarkerInBothDirections) {
    World world;
    for (const char* name : {"a", "b", "c", "d", "e"}) world.thing(name);
    for (const bool ascending : {true, false}) {
        std::string seen;
        PageRequest page{std::nullopt, 2, ascending};
        int pages = 0;
        do {
            const auto list = run(world->list_things({}, page));
            ASSERT_TRUE(list) << list.error().message;
            EXPECT_LE(list->items.size(), 2U);
            for (const Thing& thing : list->items) seen += thing.name.str();
            page.marker = list->next;
            ++pages;
        } while (page.marker);
        EXPECT_EQ(seen, ascending ? "abcde" : "edcba");
        EXPECT_EQ(pages, 3);
    }
    EXPECT_FALSE(run(world->list_things({}, {std::nullopt, 5, true}))->next) << "a full last page has no next";
    expect_error(run(world->list_things({}, {"!", 2, true})), Errc::invalid_request, "Invalid marker");
    expect_error(run(world->list_things({}, {std::nullopt, 0, true})), Errc::invalid_request, "greater than or equal to 1");
    expect_error(run(world->list_things({}, {std::nullopt, 251, true})), Errc::invalid_request,
                 "Value '251' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 250");
}

// A marker comes from the client: it must not open other ranges of the store.
TEST(Things, ForeignMarkersStayInTheRange) {
    World world;
    world.thing("a");
    world.policy("p", allow("iot:Publish", "*"));
    for (const bool ascending : {true, false}) {
        for (const char* marker : {"/////w==", "AA==", "AAAAAAAA"}) {
            const auto list = run(world->list_things({}, {marker, 100, ascending}));
            ASSERT_TRUE(list);
            for (const Thing& thing : list->items) EXPECT_EQ(thing.name.str(), "a");
        }
    }
}

// Read, check, write is one transaction: of many creators with different configurations exactly one wins.
TEST(Things, OfManyCreatorsOneWins) {
    World world;
    std::atomic<int> won{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
            const auto made = run(world->create_thing(World::request("contested", {{"by", std::to_string(i)}})));
            if (made) ++won;
            if (!made && made.error().code == Errc::resource_already_exists) ++refused;
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(refused, 7);
}

TEST(Things, OfManyPolicyVersionsNoneIsLostOrOverTheLimit) {
    World world;
    world.policy("p", allow("iot:Publish", "*"));
    std::atomic<int> made{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            if (run(world->create_policy_version(PolicyName("p"), allow("iot:Publish", "*"), false))) ++made;
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(made, 4);
    EXPECT_EQ(run(world->list_policy_versions(PolicyName("p")))->size(), 5U);
}

TEST(Registry, SurvivesReopening) {
    World world;
    world.thing("t", {{"a", "b"}});
    const auto certificate = world.certificate();
    world.policy("p", allow("iot:Publish", "*"));
    world.attach("p", certificate);
    world.registry.reset();
    world.registry = world.open(QuotaProfile::aws);
    EXPECT_EQ(run(world->describe_thing(ThingName("t")))->attributes.at("a"), "b");
    EXPECT_EQ(run(world->describe_certificate(certificate.id))->pem, certificate.pem);
    EXPECT_EQ(run(world->get_policy(PolicyName("p")))->document, allow("iot:Publish", "*"));
    EXPECT_TRUE(world.permissions(certificate, "c")->allows(IotAction::publish, "x"));
}

TEST(Registry, AStoppedStoreIsUnavailable) {
    World world;
    const auto certificate = world.certificate();
    world.engine->stop();
    expect_error(run(world->create_thing(World::request("t"))), Errc::store_unavailable, "");
    expect_error(run(world->describe_thing(ThingName("t"))), Errc::store_unavailable, "");
    Principal principal;
    principal.id = certificate.id.str();
    expect_error(run(world->permissions(principal, {})), Errc::store_unavailable, "");
}

}  // namespace
}  // namespace fogbank::registry
