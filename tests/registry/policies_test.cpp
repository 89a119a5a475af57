#include "tests/registry/support.h"

namespace fogbank::registry {
namespace {

using namespace std::chrono_literals;

const PolicyName p("p");

TEST(Policies, AreCreatedOnce) {
    World world;
    const std::string document = allow("iot:Publish", "*");
    const auto made = run(world->create_policy(p, document, {}));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->arn, "arn:aws:iot:eu-west-1:123456789012:policy/p");
    EXPECT_EQ(made->version_id, "1");
    EXPECT_TRUE(made->is_default);
    EXPECT_EQ(made->document, document);
    expect_error(run(world->create_policy(p, document, {})), Errc::resource_already_exists,
                 "Policy cannot be created - name already exists (name=p)");
    expect_error(run(world->get_policy(PolicyName("q"))), Errc::resource_not_found, "Policy q not found");
}

TEST(Policies, DocumentsAndNamesAreChecked) {
    World world;
    expect_error(run(world->create_policy(p, "{", {})), Errc::malformed_policy, "malformed json");
    expect_error(run(world->create_policy(p, R"({"Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}})", {})),
                 Errc::malformed_policy, "statement 0: Effect must be Allow or Deny");
    expect_error(run(world->create_policy(p, allow("iot:Publish", "arn:" + std::string(2048, 'a')), {})), Errc::malformed_policy,
                 "at most 2048");
    expect_error(run(world->create_policy(PolicyName("a/b"), allow("iot:Publish", "*"), {})), Errc::invalid_request,
                 "1 validation error detected: Value 'a/b' at 'policyName' failed to satisfy constraint: Member must satisfy regular "
                 "expression pattern: "
                 "[\\w+=,.@-]+");
    world.policy("ok+=,.@-_9", allow("iot:Publish", "*"));
    expect_error(run(world->create_policy_version(p, allow("iot:Publish", "*"), false)), Errc::resource_not_found, "Policy p not found");
}

TEST(Policies, VersionsCountUpAndAreNotReused) {
    World world;
    world.policy("p", allow("iot:Publish", "*"));
    const auto second = run(world->create_policy_version(p, allow("iot:Receive", "*"), true));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->version_id, "2");
    EXPECT_TRUE(second->is_default);
    EXPECT_EQ(run(world->get_policy(p))->version_id, "2");
    EXPECT_EQ(run(world->create_policy_version(p, allow("iot:Receive", "*"), false))->version_id, "3");
    ASSERT_TRUE(run(world->delete_policy_version(p, "3")));
    EXPECT_EQ(run(world->create_policy_version(p, allow("iot:Receive", "*"), false))->version_id, "4");
    expect_error(run(world->delete_policy_version(p, "2")), Errc::delete_conflict, "Cannot delete the default version of a policy");
    expect_error(run(world->delete_policy_version(p, "3")), Errc::resource_not_found, "Version 3");
    expect_error(run(world->get_policy_version(p, "99999999999999999999")), Errc::resource_not_found, "");
    expect_error(run(world->get_policy_version(p, "x")), Errc::invalid_request, "'policyVersionId'");
    expect_error(run(world->set_default_policy_version(p, "3")), Errc::resource_not_found, "");
    ASSERT_TRUE(run(world->set_default_policy_version(p, "1")));
    const auto versions = run(world->list_policy_versions(p));
    ASSERT_EQ(versions->size(), 3U);
    EXPECT_EQ((*versions)[0].version_id, "1");
    EXPECT_TRUE((*versions)[0].is_default);
    EXPECT_FALSE((*versions)[1].is_default);
    EXPECT_EQ(run(world->get_policy_version(p, "2"))->document, allow("iot:Receive", "*"));
}

TEST(Policies, ASixthVersionIsTooMany) {
    World world;
    world.policy("p", allow("iot:Publish", "*"));
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(run(world->create_policy_version(p, allow("iot:Publish", "*"), false)));
    expect_error(run(world->create_policy_version(p, allow("iot:Publish", "*"), false)), Errc::versions_limit_exceeded,
                 "The policy p already has the maximum number of versions (5)");
}

TEST(Policies, DeletionNeedsNoTargetsAndOneVersion) {
    World world;
    expect_error(run(world->delete_policy(p)), Errc::resource_not_found, "");
    world.policy("p", allow("iot:Publish", "*"));
    const CertificateRecord certificate = world.certificate();
    world.attach("p", certificate);
    expect_error(run(world->delete_policy(p)), Errc::delete_conflict,
                 "The policy cannot be deleted as the policy is attached to one or more principals (name=p)");
    ASSERT_TRUE(run(world->detach_policy(p, certificate.arn)));
    ASSERT_TRUE(run(world->create_policy_version(p, allow("iot:Publish", "*"), false)));
    expect_error(run(world->delete_policy(p)), Errc::delete_conflict,
                 "Cannot delete the policy because it has one or more policy versions attached to it (name=p)");
    ASSERT_TRUE(run(world->delete_policy_version(p, "2")));
    ASSERT_TRUE(run(world->delete_policy(p)));
    world.policy("p", allow("iot:Publish", "*"));
    EXPECT_EQ(run(world->list_policy_versions(p))->size(), 1U);
}

TEST(Policies, AreListedByAge) {
    World world;
    for (const char* name : {"z", "a", "m"}) {
        world.policy(name, allow("iot:Publish", "*"));
        world.clock.advance(1s);
    }
    const auto list = run(world->list_policies({}));
    ASSERT_EQ(list->items.size(), 3U);
    EXPECT_EQ(list->items[0].name.str(), "z");
    EXPECT_EQ(list->items[2].arn, "arn:aws:iot:eu-west-1:123456789012:policy/m");
    expect_error(run(world->list_policies({std::nullopt, 251, true})), Errc::invalid_request, "'pageSize'");
}

TEST(PolicyAttachments, AreIdempotentAndSeenFromBothSides) {
    World world;
    world.policy("p", allow("iot:Publish", "*"));
    const CertificateRecord certificate = world.certificate();
    for (int twice = 0; twice < 2; ++twice) world.attach("p", certificate);
    const auto attached = run(world->list_attached_policies(certificate.arn, false, {}));
    ASSERT_EQ(attached->items.size(), 1U);
    EXPECT_EQ(attached->items[0].name, p);
    EXPECT_EQ(run(world->list_targets_for_policy(p, {}))->items, (std::vector<std::string>{certificate.arn}));
    for (int twice = 0; twice < 2; ++twice) EXPECT_TRUE(run(world->detach_policy(p, certificate.arn)));
    EXPECT_TRUE(run(world->list_attached_policies(certificate.arn, false, {}))->items.empty());
    EXPECT_TRUE(run(world->list_targets_for_policy(p, {}))->items.empty());
}

TEST(PolicyAttachments, NeedBothEnds) {
    World world;
    world.policy("p", allow("iot:Publish", "*"));
    const CertificateRecord certificate = world.certificate();
    const std::string stranger = "arn:aws:iot:eu-west-1:123456789012:cert/" + std::string(64, 'a');
    expect_error(run(world->attach_policy(PolicyName("q"), certificate.arn)), Errc::resource_not_found, "Policy q not found");
    expect_error(run(world->attach_policy(p, stranger)), Errc::resource_not_found, "Certificate");
    expect_error(run(world->attach_policy(p, "nonsense")), Errc::invalid_request, "nonsense");
    expect_error(run(world->list_attached_policies(stranger, false, {})), Errc::resource_not_found, "");
    expect_error(run(world->list_targets_for_policy(PolicyName("q"), {})), Errc::resource_not_found, "");
    EXPECT_TRUE(run(world->detach_policy(PolicyName("q"), stranger))) << "AWS's model knows no such error here";
}

TEST(PolicyAttachments, AreLimitedByTheQuota) {
    World world;
    const CertificateRecord certificate = world.certificate();
    for (int i = 0; i < 11; ++i) world.policy("p" + std::to_string(i), allow("iot:Publish", "*"));
    for (int i = 0; i < 10; ++i) world.attach("p" + std::to_string(i), certificate);
    expect_error(run(world->attach_policy(PolicyName("p10"), certificate.arn)), Errc::limit_exceeded, "(10)");
    world.attach("p3", certificate);  // again is not one more
    world.registry = world.open(QuotaProfile::relaxed);
    world.attach("p10", certificate);
}

}  // namespace
}  // namespace fogbank::registry
