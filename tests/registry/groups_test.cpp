// Thing types, thing groups, billing groups and tags: what the registry promises beyond single things.

#include "common/message.h"
#include "common/publisher.h"
#include "registry/billing_groups.h"
#include "registry/events.h"
#include "registry/tags.h"
#include "registry/thing_groups.h"
#include "registry/thing_types.h"
#include "tests/registry/support.h"

namespace fogbank::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

CreateThingGroupRequest group(const std::string& name, const std::string& parent = "") {
    CreateThingGroupRequest out;
    out.name = name;
    out.parent = parent;
    return out;
}

struct GroupWorld : World {
    ThingGroups& groups = registry->thing_groups();
    void make(const std::string& name, const std::string& parent = "") {
        const auto made = run(groups.create_thing_group(group(name, parent)));
        EXPECT_TRUE(made) << made.error().message;
    }
    void add(const std::string& name, const std::string& thing_name) {
        const auto done = run(groups.add_thing_to_group(name, ThingName(thing_name), false));
        EXPECT_TRUE(done) << done.error().message;
    }
    std::vector<std::string> list(const GroupListFilter& filter, std::int64_t page_items = 250) {
        std::vector<std::string> out;
        PageRequest page;
        page.items_max = page_items;
        do {
            const auto found = run(groups.list_thing_groups(filter, page));
            EXPECT_TRUE(found) << found.error().message;
            out.insert(out.end(), found->items.begin(), found->items.end());
            page.marker = found->next;
        } while (page.marker);
        return out;
    }
    std::vector<std::string> members(const std::string& name, bool recursive, std::int64_t page_items = 250) {
        std::vector<std::string> out;
        PageRequest page;
        page.items_max = page_items;
        do {
            const auto found = run(groups.list_things_in_group(name, recursive, page));
            EXPECT_TRUE(found) << found.error().message;
            for (const ThingName& one : found->items) out.push_back(one.str());
            page.marker = found->next;
        } while (page.marker);
        return out;
    }
};

TEST(ThingTypes, AreUsedDeprecatedAndDeletedAfterFiveMinutes) {
    World world;
    auto& types = world->thing_types();
    ThingTypeProperties properties;
    properties.description = "a pump";
    properties.searchable_attributes = {"site"};
    const auto made = run(types.create_thing_type("pump", properties, {}));
    ASSERT_TRUE(made);
    EXPECT_EQ(run(types.create_thing_type("pump", properties, {}))->id, made->id);
    expect_error(run(types.create_thing_type("pump", {}, {})), Errc::resource_already_exists, "pump already exists");

    CreateThingRequest request = World::request("t", {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}});
    expect_error(run(world->create_thing(request)), Errc::invalid_request, "at most 3 attributes");
    request.type_name = "pump";
    ASSERT_TRUE(run(world->create_thing(request)));
    ThingFilter filter;
    filter.type_name = "pump";
    EXPECT_EQ(run(world->list_things(filter, {}))->items.size(), 1U);

    expect_error(run(types.delete_thing_type("pump")), Errc::invalid_request, "5 minutes");
    ASSERT_TRUE(run(types.deprecate_thing_type("pump", false)));
    EXPECT_TRUE(run(types.describe_thing_type("pump"))->deprecated);
    request.name = ThingName("u");
    expect_error(run(world->create_thing(request)), Errc::invalid_request, "Can not create new thing with depreated thing type:pump");
    world.clock.advance(std::chrono::minutes(5));
    expect_error(run(types.delete_thing_type("pump")), Errc::invalid_request, "associated with things");
    UpdateThingRequest update;
    update.name = ThingName("t");
    update.remove_type = true;
    expect_error(run(world->update_thing(update)), Errc::invalid_request, "at most 3 attributes");
    update.attributes = Attributes{{"a", "1"}};
    ASSERT_TRUE(run(world->update_thing(update)));
    EXPECT_TRUE(run(types.delete_thing_type("pump")));
    expect_error(run(types.describe_thing_type("pump")), Errc::resource_not_found, "pump");
}

TEST(ThingTypes, DeprecationIsUndone) {
    World world;
    auto& types = world->thing_types();
    ASSERT_TRUE(run(types.create_thing_type("pump", {}, {})));
    ASSERT_TRUE(run(types.deprecate_thing_type("pump", false)));
    ASSERT_TRUE(run(types.deprecate_thing_type("pump", true)));
    EXPECT_FALSE(run(types.describe_thing_type("pump"))->deprecated);
    CreateThingRequest request = World::request("t");
    request.type_name = "pump";
    EXPECT_TRUE(run(world->create_thing(request)));
}

TEST(Things, UpdateMergesReplacesAndChecksTheVersion) {
    World world;
    world.thing("t", {{"a", "1"}, {"b", "2"}});
    UpdateThingRequest update;
    update.name = ThingName("t");
    update.merge = true;
    update.attributes = Attributes{{"a", ""}, {"c", "3"}};
    ASSERT_TRUE(run(world->update_thing(update)));
    auto thing = run(world->describe_thing(ThingName("t")));
    EXPECT_EQ(thing->attributes, (Attributes{{"b", "2"}, {"c", "3"}}));
    EXPECT_EQ(thing->version, 2);
    update.merge = false;
    update.attributes = Attributes{{"z", "9"}};
    update.expected_version = 1;
    expect_error(run(world->update_thing(update)), Errc::version_conflict, "The version for thing t does not match the expected version.");
    update.expected_version = 2;
    ASSERT_TRUE(run(world->update_thing(update)));
    EXPECT_EQ(run(world->describe_thing(ThingName("t")))->attributes, (Attributes{{"z", "9"}}));
    update.name = ThingName("none");
    expect_error(run(world->update_thing(update)), Errc::resource_not_found, "none");
}

TEST(Things, AreFilteredByAttributeAndPagedExactly) {
    World world;
    for (int i = 0; i < 25; ++i) world.thing("t" + std::to_string(100 + i), {{"site", i % 2 == 0 ? "lab-a" : "lab-b"}});
    ThingFilter filter;
    filter.attribute_name = "site";
    filter.attribute_value = "lab-a";
    PageRequest page;
    page.items_max = 4;
    std::vector<std::string> found;
    int pages = 0;
    do {
        const auto part = run(world->list_things(filter, page));
        ASSERT_TRUE(part);
        for (const Thing& one : part->items) found.push_back(one.name.str());
        page.marker = part->next;
        ++pages;
    } while (page.marker);
    EXPECT_EQ(found.size(), 13U);
    EXPECT_EQ(pages, 4);
    filter.attribute_value = "lab";
    EXPECT_THAT(run(world->list_things(filter, {}))->items, IsEmpty());
    filter.value_is_prefix = true;
    EXPECT_EQ(run(world->list_things(filter, {}))->items.size(), 25U);
}

TEST(Things, ExclusivePrincipalsBelongToOneThing) {
    World world;
    world.thing("t");
    world.thing("u");
    const auto certificate = world.certificate();
    ASSERT_TRUE(run(world->attach_thing_principal(ThingName("t"), certificate.arn, PrincipalType::exclusive)));
    expect_error(run(world->attach_thing_principal(ThingName("u"), certificate.arn, PrincipalType::non_exclusive)), Errc::invalid_request,
                 "exclusively to thing t");
    EXPECT_EQ(run(world->list_thing_principals(ThingName("t")))->front().type, PrincipalType::exclusive);
    ASSERT_TRUE(run(world->detach_thing_principal(ThingName("t"), certificate.arn)));
    ASSERT_TRUE(run(world->attach_thing_principal(ThingName("u"), certificate.arn, PrincipalType::non_exclusive)));
    expect_error(run(world->attach_thing_principal(ThingName("t"), certificate.arn, PrincipalType::exclusive)), Errc::invalid_request,
                 "cannot be attached exclusively");
}

TEST(ThingGroups, FormHierarchies) {
    GroupWorld world;
    world.make("root");
    world.make("mid", "root");
    world.make("leaf", "mid");
    world.make("other");
    const auto leaf = run(world.groups.describe_thing_group("leaf"));
    EXPECT_THAT(leaf->ancestors, ElementsAre("root", "mid"));
    EXPECT_EQ(leaf->version, 1);
    GroupListFilter all;
    EXPECT_THAT(world.list(all), ElementsAre("leaf", "mid", "other", "root"));
    EXPECT_THAT(world.list(all, 1), ElementsAre("leaf", "mid", "other", "root"));
    GroupListFilter below;
    below.parent = "root";
    EXPECT_THAT(world.list(below), ElementsAre("mid"));
    below.recursive = true;
    EXPECT_THAT(world.list(below, 1), ElementsAre("leaf", "mid"));
    GroupListFilter roots;
    roots.recursive = false;
    EXPECT_THAT(world.list(roots), ElementsAre("other", "root"));
    GroupListFilter prefix;
    prefix.name_prefix = "o";
    EXPECT_THAT(world.list(prefix), ElementsAre("other"));

    EXPECT_EQ(run(world.groups.create_thing_group(group("mid", "root")))->id, run(world.groups.describe_thing_group("mid"))->id);
    expect_error(run(world.groups.create_thing_group(group("mid"))), Errc::resource_already_exists, "with different properties");
    expect_error(run(world.groups.create_thing_group(group("x", "none"))), Errc::resource_not_found, "none");
    expect_error(run(world.groups.delete_thing_group("root", false, std::nullopt)), Errc::invalid_request,
                 "Cannot delete thing group : root when there are still child groups attached to it");
    EXPECT_TRUE(run(world.groups.delete_thing_group("leaf", false, std::nullopt)));
    EXPECT_TRUE(run(world.groups.delete_thing_group("leaf", false, std::nullopt)));
    EXPECT_TRUE(run(world.groups.delete_thing_group("mid", false, 1)));
}

TEST(ThingGroups, DepthAndVersionAreChecked) {
    GroupWorld world;
    world.make("g0");
    for (int i = 1; i <= 7; ++i) world.make("g" + std::to_string(i), "g" + std::to_string(i - 1));
    expect_error(run(world.groups.create_thing_group(group("g8", "g7"))), Errc::invalid_request, "depth");
    UpdateThingGroupRequest update;
    update.name = "g0";
    update.description = "changed";
    update.expected_version = 1;
    EXPECT_EQ(*run(world.groups.update_thing_group(update)), 2);
    expect_error(run(world.groups.update_thing_group(update)), Errc::version_conflict, "g0");
}

TEST(ThingGroups, HoldThingsAndReleaseThem) {
    GroupWorld world;
    world.make("root");
    world.make("leaf", "root");
    world.make("other");
    for (const char* name : {"a", "b", "c"}) world.thing(name);
    world.add("leaf", "a");
    world.add("leaf", "b");
    world.add("root", "c");
    world.add("other", "a");
    world.add("other", "a");
    EXPECT_THAT(world.members("root", false), ElementsAre("c"));
    EXPECT_THAT(world.members("root", true), ElementsAre("c", "a", "b"));
    EXPECT_THAT(world.members("root", true, 1), ElementsAre("c", "a", "b"));
    EXPECT_THAT(run(world.groups.list_groups_of_thing(ThingName("a"), {}))->items, ElementsAre("leaf", "other"));
    expect_error(run(world.groups.add_thing_to_group("root", ThingName("a"), false)), Errc::invalid_request, "hierarchy");
    expect_error(run(world.groups.add_thing_to_group("none", ThingName("a"), false)), Errc::resource_not_found, "none");
    expect_error(run(world.groups.add_thing_to_group("root", ThingName("none"), false)), Errc::resource_not_found, "none");
    ASSERT_TRUE(run(world.groups.update_groups_of_thing(ThingName("a"), {"root"}, {"leaf", "other"}, false)));
    EXPECT_THAT(run(world.groups.list_groups_of_thing(ThingName("a"), {}))->items, ElementsAre("root"));
    ASSERT_TRUE(run(world.groups.delete_thing_group("leaf", false, std::nullopt)));
    EXPECT_THAT(run(world.groups.list_groups_of_thing(ThingName("b"), {}))->items, IsEmpty());
    ASSERT_TRUE(run(world->delete_thing(ThingName("a"), std::nullopt)));
    EXPECT_THAT(world.members("root", true), ElementsAre("c"));
    EXPECT_THAT(*run(world->things_in_group("root")), ElementsAre(ThingName("c")));
}

TEST(ThingGroups, AThingIsInTenAtMost) {
    GroupWorld world;
    world.thing("a");
    for (int i = 0; i < 10; ++i) {
        world.make("g" + std::to_string(i));
        world.add("g" + std::to_string(i), "a");
    }
    world.make("more");
    expect_error(run(world.groups.add_thing_to_group("more", ThingName("a"), true)), Errc::invalid_request,
                 "maximum number of thing groups");
}

// Why the cells of groups exist: a change anywhere in the chain thing → group → ancestor → policy is seen by the next question.
TEST(ThingGroups, PoliciesReachLiveConnectionsAtOnce) {
    GroupWorld world;
    world.thing("gw");
    const auto certificate = world.certificate();
    ASSERT_TRUE(run(world->attach_thing_principal(ThingName("gw"), certificate.arn, PrincipalType::non_exclusive)));
    world.make("root");
    world.make("leaf", "root");
    world.policy("p", allow("iot:Publish", "*"));
    const std::string root_arn = run(world.groups.describe_thing_group("root"))->arn;
    const auto permissions = world.permissions(certificate, "gw");
    const auto stranger = world.permissions(certificate, "someone");
    std::uint64_t version = permissions->version();
    const auto allowed = [&] { return permissions->allows(IotAction::publish, "t"); };
    const auto changed = [&] { return std::exchange(version, permissions->version()) != permissions->version(); };
    EXPECT_FALSE(allowed());
    ASSERT_TRUE(run(world->attach_policy(PolicyName("p"), root_arn)));
    EXPECT_FALSE(allowed());
    world.add("leaf", "gw");
    EXPECT_TRUE(changed());
    EXPECT_TRUE(allowed());
    EXPECT_FALSE(stranger->allows(IotAction::publish, "t")) << "a client id that names no attached thing gets no group policies";
    EXPECT_TRUE(world.permissions(certificate, "gw")->allows(IotAction::publish, "t"));
    ASSERT_TRUE(run(world->detach_policy(PolicyName("p"), root_arn)));
    EXPECT_TRUE(changed());
    EXPECT_FALSE(allowed());
    ASSERT_TRUE(run(world->attach_policy(PolicyName("p"), root_arn)));
    EXPECT_TRUE(allowed());
    ASSERT_TRUE(run(world.groups.remove_thing_from_group("leaf", ThingName("gw"))));
    EXPECT_FALSE(allowed());
    world.add("leaf", "gw");
    EXPECT_TRUE(allowed());
    ASSERT_TRUE(run(world.groups.delete_thing_group("leaf", false, std::nullopt)));
    EXPECT_FALSE(allowed());
    world.make("leaf", "root");
    EXPECT_FALSE(allowed()) << "a new group of an old name has no members";
}

TEST(ThingGroups, DenyOfAnAncestorWins) {
    GroupWorld world;
    world.thing("gw");
    const auto certificate = world.certificate();
    world.policy("yes", allow("iot:*", "*"));
    world.policy("no", R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iot:Publish","Resource":"*"}})");
    world.attach("yes", certificate);
    ASSERT_TRUE(run(world->attach_thing_principal(ThingName("gw"), certificate.arn, PrincipalType::exclusive)));
    world.make("root");
    world.make("leaf", "root");
    world.add("leaf", "gw");
    const auto permissions = world.permissions(certificate, "any-client-id");  // exclusive: the client id does not matter
    EXPECT_TRUE(permissions->allows(IotAction::publish, "t"));
    ASSERT_TRUE(run(world->attach_policy(PolicyName("no"), run(world.groups.describe_thing_group("root"))->arn)));
    EXPECT_FALSE(permissions->allows(IotAction::publish, "t"));
    EXPECT_EQ(permissions->explain(IotAction::publish, "t").outcome, AccessDecision::Outcome::explicit_deny);
    EXPECT_EQ(run(world->effective_policies("", ThingName("gw")))->size(), 1U);
    EXPECT_EQ(run(world->effective_policies(certificate.arn, ThingName("gw")))->size(), 2U);
}

TEST(ThingGroups, InheritedPoliciesAreListedRecursively) {
    GroupWorld world;
    world.make("root");
    world.make("leaf", "root");
    for (const char* name : {"a", "b", "c"}) world.policy(name, allow("iot:Publish", "*"));
    const std::string root = run(world.groups.describe_thing_group("root"))->arn;
    const std::string leaf = run(world.groups.describe_thing_group("leaf"))->arn;
    ASSERT_TRUE(run(world->attach_policy(PolicyName("a"), root)));
    ASSERT_TRUE(run(world->attach_policy(PolicyName("b"), leaf)));
    ASSERT_TRUE(run(world->attach_policy(PolicyName("a"), leaf)));
    expect_error(run(world->attach_policy(PolicyName("c"), leaf)), Errc::limit_exceeded, "(2)");
    EXPECT_EQ(run(world->list_attached_policies(leaf, false, {}))->items.size(), 2U);
    const auto all = run(world->list_attached_policies(leaf, true, {}));
    ASSERT_EQ(all->items.size(), 2U);
    expect_error(run(world->delete_policy(PolicyName("a"))), Errc::delete_conflict, "attached");
    ASSERT_TRUE(run(world.groups.delete_thing_group("leaf", false, std::nullopt)));
    EXPECT_TRUE(run(world->delete_policy(PolicyName("b"))));
}

TEST(BillingGroups, HoldEachThingOnce) {
    World world;
    auto& groups = world->billing_groups();
    ASSERT_TRUE(run(groups.create_billing_group("a", "", {})));
    ASSERT_TRUE(run(groups.create_billing_group("b", "", {})));
    CreateThingRequest request = World::request("t");
    request.billing_group_name = "a";
    ASSERT_TRUE(run(world->create_thing(request)));
    EXPECT_EQ(run(groups.list_things_in_billing_group("a", {}))->items.size(), 1U);
    ASSERT_TRUE(run(groups.add_thing_to_billing_group("b", ThingName("t"))));
    EXPECT_THAT(run(groups.list_things_in_billing_group("a", {}))->items, IsEmpty());
    EXPECT_EQ(run(world->describe_thing(ThingName("t")))->billing_group_name, "b");
    ASSERT_TRUE(run(groups.delete_billing_group("b", std::nullopt)));
    EXPECT_EQ(run(world->describe_thing(ThingName("t")))->billing_group_name, "");
    request.billing_group_name = "b";
    request.name = ThingName("u");
    expect_error(run(world->create_thing(request)), Errc::resource_not_found, "b");
}

TEST(Tags, AreReplacedCountedAndGoWithTheResource) {
    World world;
    auto& tags = world->tags();
    ASSERT_TRUE(run(world->billing_groups().create_billing_group("g", "", {{"a", "1"}})));
    const std::string arn = "arn:aws:iot:eu-west-1:123456789012:billinggroup/g";
    ASSERT_TRUE(run(tags.tag_resource(arn, {{"a", "2"}, {"b", ""}})));
    EXPECT_EQ(*run(tags.list_tags(arn)), (TagMap{{"a", "2"}, {"b", ""}}));
    ASSERT_TRUE(run(tags.untag_resource(arn, {"a", "zzz"})));
    EXPECT_EQ(*run(tags.list_tags(arn)), (TagMap{{"b", ""}}));
    TagMap many;
    for (int i = 0; i < 50; ++i) many["k" + std::to_string(i)] = "v";
    expect_error(run(tags.tag_resource(arn, many)), Errc::limit_exceeded, "50");
    expect_error(run(tags.tag_resource(arn, {{"aws:x", "v"}})), Errc::invalid_request, "aws:");
    expect_error(run(tags.tag_resource("arn:aws:iot:eu-west-1:123456789012:thing/t", {{"k", "v"}})), Errc::invalid_request,
                 "cannot be tagged");
    expect_error(run(tags.list_tags("arn:aws:iot:eu-west-1:123456789012:thinggroup/none")), Errc::resource_not_found, "none");
    expect_error(run(tags.list_tags("nonsense")), Errc::invalid_request, "nonsense");
    ASSERT_TRUE(run(world->billing_groups().delete_billing_group("g", std::nullopt)));
    ASSERT_TRUE(run(world->billing_groups().create_billing_group("g", "", {})));
    EXPECT_THAT(*run(tags.list_tags(arn)), IsEmpty());
}

TEST(ThingDirectory, AnswersFromItsCacheAndFollowsChanges) {
    World world;
    EXPECT_FALSE(*run(world->thing_exists(ThingName("t"))));
    world.thing("t");
    EXPECT_TRUE(*run(world->thing_exists(ThingName("t"))));
    EXPECT_TRUE(*run(world->thing_exists(ThingName("t"))));
    ASSERT_TRUE(run(world->delete_thing(ThingName("t"), std::nullopt)));
    EXPECT_FALSE(*run(world->thing_exists(ThingName("t"))));
    EXPECT_FALSE(*run(world->thing_exists(ThingName("no such/name"))));
    expect_error(run(world->things_in_group("none")), Errc::resource_not_found, "none");
}

/// Remembers what was published.
class Heard final : public Publisher {
  public:
    void publish(MessagePtr message, Acknowledgement::Callback done) override {
        topics.emplace_back(message->topic_name());
        payloads.emplace_back(message->payload());
        if (done) done(Result<void>());
    }
    std::vector<std::string> topics, payloads;
};

TEST(Events, AreSilentUntilEnabledAndSurviveAReopen) {
    World world;
    Heard heard;
    world->publish_events(&heard);
    world.thing("quiet");
    EXPECT_THAT(heard.topics, IsEmpty());
    ASSERT_TRUE(run(world->events().update_event_configurations(
        {{EventType::thing, true}, {EventType::thing_group_membership, true}, {EventType::thing_group, true}})));
    world.thing("loud", {{"a", "1"}});
    UpdateThingRequest update;
    update.name = ThingName("loud");
    ASSERT_TRUE(run(world->update_thing(update)));
    ASSERT_TRUE(run(world->thing_groups().create_thing_group(group("g"))));
    ASSERT_TRUE(run(world->thing_groups().add_thing_to_group("g", ThingName("loud"), false)));
    ASSERT_TRUE(run(world->delete_thing(ThingName("loud"), std::nullopt)));
    EXPECT_THAT(heard.topics,
                ElementsAre("$aws/events/thing/loud/created", "$aws/events/thing/loud/updated", "$aws/events/thingGroup/g/created",
                            "$aws/events/thingGroupMembership/thingGroup/g/thing/loud/added", "$aws/events/thing/loud/deleted"));
    EXPECT_THAT(heard.payloads.front(), ::testing::HasSubstr(R"("operation":"CREATED")"));
    EXPECT_THAT(heard.payloads.front(), ::testing::HasSubstr(R"("attributes":{"a":"1"})"));
    world->publish_events(nullptr);
    world.registry.reset();
    world.registry = world.open(QuotaProfile::aws);
    EXPECT_TRUE(world->events().event_enabled(EventType::thing));
    EXPECT_FALSE(world->events().event_enabled(EventType::job));
}

}  // namespace
}  // namespace fogbank::registry
