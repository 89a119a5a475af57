// What a connection may do, and that it follows the registry while the connection lives.

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <thread>

#include "tests/registry/support.h"

namespace fogbank::registry {
namespace {

const std::string prefix = "arn:aws:iot:eu-west-1:123456789012:";

TEST(Permissions, FollowThePoliciesOfTheCertificate) {
    World world;
    const CertificateRecord certificate = world.certificate();
    world.policy("p", allow("iot:Publish", prefix + "topic/${iot:ClientId}/*"));
    world.attach("p", certificate);
    const auto permissions = world.permissions(certificate, "gw-1");
    EXPECT_TRUE(permissions->allows(IotAction::publish, "gw-1/out"));
    EXPECT_FALSE(permissions->allows(IotAction::publish, "gw-2/out"));
    EXPECT_FALSE(permissions->allows(IotAction::subscribe, "gw-1/out"));
    EXPECT_EQ(permissions->explain(IotAction::publish, "gw-2/out").reason,
              "iot:Publish on " + prefix + "topic/gw-2/out by " + certificate.arn +
                  ": denied, no statement allows it; nearest: policy `p` statement 0: resource: is not `" + prefix + "topic/gw-1/*`");
    EXPECT_EQ(permissions->explain(IotAction::publish, "gw-1/out").outcome, AccessDecision::Outcome::allowed);
}

TEST(Permissions, WithoutPoliciesNothingIsAllowed) {
    World world;
    const CertificateRecord certificate = world.certificate();
    const auto permissions = world.permissions(certificate, "c");
    EXPECT_FALSE(permissions->allows(IotAction::connect, "c"));
    EXPECT_THAT(permissions->explain(IotAction::connect, "c").reason, ::testing::HasSubstr("no policy is attached to the certificate"));
}

TEST(Permissions, ResourcesHaveTheTypeOfTheirAction) {
    World world;
    const CertificateRecord certificate = world.certificate();
    world.policy("p", R"({"Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":")" + prefix + R"(client/c"},
        {"Effect":"Allow","Action":"iot:Subscribe","Resource":")" +
                          prefix + R"(topicfilter/a/#"},
        {"Effect":"Allow","Action":["iot:Receive","iot:RetainPublish","iot:GetRetainedMessage"],"Resource":")" +
                          prefix + R"(topic/a/*"},
        {"Effect":"Allow","Action":"iot:GetThingShadow","Resource":")" +
                          prefix + R"(thing/t"},
        {"Effect":"Allow","Action":"iot:ListRetainedMessages","Resource":")" +
                          prefix + R"(topic/*"}]})");
    world.attach("p", certificate);
    const auto permissions = world.permissions(certificate, "c");
    EXPECT_TRUE(permissions->allows(IotAction::connect, "c"));
    EXPECT_TRUE(permissions->allows(IotAction::subscribe, "a/#"));
    EXPECT_FALSE(permissions->allows(IotAction::subscribe, "a/b"));
    EXPECT_TRUE(permissions->allows(IotAction::receive, "a/b"));
    EXPECT_TRUE(permissions->allows(IotAction::retain_publish, "a/b"));
    EXPECT_TRUE(permissions->allows(IotAction::get_retained_message, "a/b"));
    EXPECT_TRUE(permissions->allows(IotAction::get_thing_shadow, "t"));
    EXPECT_FALSE(permissions->allows(IotAction::list_retained_messages, "")) << "AWS: its resource must be *";
}

/// Which variables have a value, by a policy that allows publishing to that value.
class Variables : public ::testing::Test {
  protected:
    World world;
    CertificateRecord certificate = world.certificate();
    int made = 0;

    bool is(const std::string& variable, const std::string& value, const ConnectionFacts& facts) {
        const std::string name = "v" + std::to_string(made++);
        world.policy(name, allow("iot:*", prefix + "client/${" + variable + "}"));
        world.attach(name, certificate);
        const bool allowed = world.permissions(certificate, facts)->allows(IotAction::connect, value);
        EXPECT_TRUE(run(world->detach_policy(PolicyName(name), certificate.arn)));
        return allowed;
    }
};

TEST_F(Variables, OfTheConnection) {
    ConnectionFacts facts;
    facts.client_id = ClientId("c");
    facts.source_ip = "10.0.0.1";
    facts.server_name = "iot.example";
    facts.will_topic = "w";
    EXPECT_TRUE(is("iot:ClientId", "c", facts));
    EXPECT_TRUE(is("aws:SourceIp", "10.0.0.1", facts));
    EXPECT_TRUE(is("iot:DomainName", "iot.example", facts));
    EXPECT_TRUE(is("iot:LastWillTopic", prefix + "topic/w", facts));
    EXPECT_TRUE(is("iot:ConnectAttributes", "LastWill", facts));
    EXPECT_FALSE(is("iot:ClientId", "", ConnectionFacts())) << "HTTP has no client id: no value, not an empty one";
    EXPECT_FALSE(is("iot:LastWillTopic", "", ConnectionFacts()));
}

TEST_F(Variables, OfTheThing) {
    world.thing("gw-1", {{"site", "lab"}});
    ConnectionFacts facts;
    facts.client_id = ClientId("gw-1");
    EXPECT_TRUE(is("iot:Connection.Thing.IsAttached", "false", facts));
    EXPECT_FALSE(is("iot:Connection.Thing.ThingName", "gw-1", facts)) << "registered, not attached";
    ASSERT_TRUE(run(world->attach_thing_principal(ThingName("gw-1"), certificate.arn, PrincipalType::non_exclusive)));
    EXPECT_TRUE(is("iot:Connection.Thing.IsAttached", "true", facts));
    EXPECT_TRUE(is("iot:Connection.Thing.ThingName", "gw-1", facts));
    EXPECT_TRUE(is("iot:Connection.Thing.Attributes[site]", "lab", facts));
    EXPECT_FALSE(is("iot:Connection.Thing.Attributes[other]", "", facts));
    EXPECT_FALSE(is("iot:Connection.Thing.ThingTypeName", "", facts));
    facts.client_id = ClientId("gw-2");
    EXPECT_TRUE(is("iot:Connection.Thing.IsAttached", "false", facts)) << "the client id names no attached thing";
    EXPECT_FALSE(is("iot:Connection.Thing.ThingName", "gw-1", facts));
}

TEST_F(Variables, OfTheCertificate) {
    const ConnectionFacts facts;
    const auto issuer = x509::issuer_attributes(*x509::read_certificate_pem(certificate.pem));
    EXPECT_TRUE(is("iot:CertificateId", certificate.id.str(), facts));
    EXPECT_TRUE(is("iot:Certificate.Subject.CommonName", "AWS IoT Certificate", facts));
    EXPECT_TRUE(is("iot:Certificate.Subject.CommonName.0", "AWS IoT Certificate", facts));
    EXPECT_FALSE(is("iot:Certificate.Subject.CommonName.1", "", facts)) << "past the end";
    EXPECT_TRUE(is("iot:Certificate.Subject.CommonName.List", "AWS IoT Certificate", facts));
    EXPECT_TRUE(is("iot:Certificate.Issuer.Organization", "Fogbank", facts));
    EXPECT_TRUE(is("iot:Certificate.SerialNumber", x509::serial_number(*x509::read_certificate_pem(certificate.pem)), facts));
    EXPECT_FALSE(is("iot:Certificate.Subject.Country", "", facts));
}

/// One live connection, and a change made elsewhere.
class LivePermissions : public ::testing::Test {
  protected:
    World world;
    CertificateRecord certificate = world.certificate();
    std::unique_ptr<Permissions> permissions;

    void connect() { permissions = world.permissions(certificate, "c"); }
    bool may_publish() { return permissions->allows(IotAction::publish, "a"); }
    /// Makes `change`; expects that version() tells of it before the next question, and only once.
    template <class Change>
    void expect_noticed(Change change) {
        const std::uint64_t before = permissions->version();
        const auto done = run(change());
        ASSERT_TRUE(done) << done.error().message;
        const std::uint64_t after = permissions->version();
        EXPECT_NE(after, before);
        permissions->allows(IotAction::publish, "a");
        EXPECT_EQ(permissions->version(), after);
    }
};

TEST_F(LivePermissions, PolicyIsAttachedAndDetached) {
    world.policy("p", allow("iot:Publish", "*"));
    connect();
    EXPECT_FALSE(may_publish());
    expect_noticed([&] { return world->attach_policy(PolicyName("p"), certificate.arn); });
    EXPECT_TRUE(may_publish());
    expect_noticed([&] { return world->detach_policy(PolicyName("p"), certificate.arn); });
    EXPECT_FALSE(may_publish());
}

TEST_F(LivePermissions, PolicyGetsAnotherDefaultVersion) {
    world.policy("p", allow("iot:Publish", "*"));
    world.attach("p", certificate);
    connect();
    EXPECT_TRUE(may_publish());
    expect_noticed([&] { return world->create_policy_version(PolicyName("p"), allow("iot:Receive", "*"), true); });
    EXPECT_FALSE(may_publish());
    expect_noticed([&] { return world->set_default_policy_version(PolicyName("p"), "1"); });
    EXPECT_TRUE(may_publish());
}

TEST_F(LivePermissions, CertificateIsDeactivatedAndDeleted) {
    world.policy("p", allow("iot:Publish", "*"));
    world.attach("p", certificate);
    connect();
    EXPECT_TRUE(may_publish());
    expect_noticed([&] { return world->update_certificate(certificate.id, CertificateStatus::inactive); });
    EXPECT_FALSE(may_publish());
    EXPECT_THAT(permissions->explain(IotAction::publish, "a").reason, ::testing::HasSubstr("the certificate is INACTIVE"));
    expect_noticed([&] { return world->update_certificate(certificate.id, CertificateStatus::active); });
    EXPECT_TRUE(may_publish());
    ASSERT_TRUE(run(world->update_certificate(certificate.id, CertificateStatus::revoked)));
    expect_noticed([&] { return world->delete_certificate(certificate.id, true); });
    EXPECT_FALSE(may_publish());
    EXPECT_THAT(permissions->explain(IotAction::publish, "a").reason, ::testing::HasSubstr("is not registered"));
}

TEST_F(LivePermissions, ThingIsAttachedAndDetached) {
    world.policy("p", allow("iot:Publish", prefix + "topic/${iot:Connection.Thing.Attributes[topic]}"));
    world.attach("p", certificate);
    world.thing("c", {{"topic", "a"}});
    connect();
    EXPECT_FALSE(may_publish());
    expect_noticed([&] { return world->attach_thing_principal(ThingName("c"), certificate.arn, PrincipalType::non_exclusive); });
    EXPECT_TRUE(may_publish());
    expect_noticed([&] { return world->detach_thing_principal(ThingName("c"), certificate.arn); });
    EXPECT_FALSE(may_publish());
}

// A caller that caches decisions must not drop them for every change in the account.
TEST_F(LivePermissions, ChangesElsewhereAreNotNoticed) {
    world.policy("p", allow("iot:Publish", "*"));
    world.policy("q", allow("iot:Publish", "*"));
    world.attach("p", certificate);
    connect();
    const std::uint64_t before = permissions->version();
    const CertificateRecord other = world.certificate();
    world.attach("q", other);
    const auto others_permissions = world.permissions(other, "d");
    world.thing("t");
    ASSERT_TRUE(run(world->update_certificate(other.id, CertificateStatus::inactive)));
    ASSERT_TRUE(run(world->create_policy_version(PolicyName("q"), allow("iot:Receive", "*"), true)));
    EXPECT_FALSE(others_permissions->allows(IotAction::publish, "a"));
    EXPECT_EQ(permissions->version(), before);
    EXPECT_TRUE(may_publish());
}

// The connections of one principal share what is in memory: the second needs no store.
TEST_F(LivePermissions, SecondConnectionNeedsNoStore) {
    world.policy("p", allow("iot:Publish", "*"));
    world.attach("p", certificate);
    connect();
    world.engine->stop();
    EXPECT_TRUE(world.permissions(certificate, "other")->allows(IotAction::publish, "a"));
}

// A change whose caller is gone (an HTTP client that hung up) reaches live connections all the same.
TEST_F(LivePermissions, CancelledCallerDoesNotHideTheChange) {
    namespace asio = boost::asio;
    world.policy("p", allow("iot:Publish", "*"));
    world.attach("p", certificate);
    connect();
    asio::io_context io(1);
    asio::cancellation_signal hang_up;
    asio::co_spawn(io, world->detach_policy(PolicyName("p"), certificate.arn),
                   asio::bind_cancellation_slot(hang_up.slot(), [](const std::exception_ptr&, const Result<void>&) {}));
    io.poll_one();  // the request has begun
    hang_up.emit(asio::cancellation_type::terminal);
    io.run();
    EXPECT_FALSE(may_publish());
}

// Attach and detach from several threads while connections ask: when all is quiet, every connection agrees with the store.
TEST_F(LivePermissions, ConcurrentChangesEndInTheStoredState) {
    for (int i = 0; i < 4; ++i) world.policy("p" + std::to_string(i), allow("iot:Publish", prefix + "topic/" + std::to_string(i)));
    std::atomic<bool> stop{false};
    std::vector<std::thread> connections;
    std::vector<std::unique_ptr<Permissions>> live(2);
    for (auto& one : live) {
        one = world.permissions(certificate, "c");
        connections.emplace_back([&stop, &one] {
            while (!stop) {
                one->allows(IotAction::publish, "0");
                static_cast<void>(one->version());
            }
        });
    }
    std::vector<std::thread> changers;
    for (int t = 0; t < 4; ++t) {
        changers.emplace_back([&, t] {
            const PolicyName name("p" + std::to_string(t));
            for (int i = 0; i < 50 + t; ++i) {
                if (i % 2 == 0) {
                    EXPECT_TRUE(run(world->attach_policy(name, certificate.arn)));
                } else {
                    EXPECT_TRUE(run(world->detach_policy(name, certificate.arn)));
                }
            }
        });
    }
    for (auto& thread : changers) thread.join();
    stop = true;
    for (auto& thread : connections) thread.join();
    for (auto& one : live) {
        for (int t = 0; t < 4; ++t) EXPECT_EQ(one->allows(IotAction::publish, std::to_string(t)), t % 2 == 1) << t;
    }
}

TEST(ApiCallers, OnlyTheRootUserMayDoAnything) {
    World world;
    Principal root;
    root.kind = Principal::Kind::iam_user;
    root.arn = test_arns.root_user();
    const auto all = run(world->permissions(root, {}));
    ASSERT_TRUE(all);
    EXPECT_TRUE((*all)->allows(IotAction::publish, "a"));
    EXPECT_THAT((*all)->explain(IotAction::publish, "a").reason, ::testing::HasSubstr("root user"));
    Principal user = root;
    user.arn = "arn:aws:iam::123456789012:user/u";
    EXPECT_FALSE((*run(world->permissions(user, {})))->allows(IotAction::publish, "a"));
}

}  // namespace
}  // namespace fogbank::registry
