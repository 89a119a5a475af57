#include "tests/registry/support.h"

namespace fogbank::registry {
namespace {

using namespace std::chrono_literals;

TEST(Certificates, ComeWithTheirKeys) {
    World world;
    const auto made = run(world->create_keys_and_certificate(true));
    ASSERT_TRUE(made);
    const CertificateRecord& record = made->certificate;
    const auto certificate = x509::read_certificate_pem(record.pem);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(record.id.str(), x509::certificate_id(*x509::certificate_der(*certificate)));
    EXPECT_EQ(record.arn, "arn:aws:iot:eu-west-1:123456789012:cert/" + record.id.str());
    EXPECT_EQ(record.status, CertificateStatus::active);
    EXPECT_EQ(record.created_at, world.clock.now());
    EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(record.not_after).time_since_epoch().count(), 2524607999);  // 2049-12-31T23:59:59Z
    EXPECT_EQ(x509::subject_common_name(*certificate), "AWS IoT Certificate");
    EXPECT_TRUE(x509::key_matches(*certificate, *x509::read_private_key_pem(made->private_key_pem)));
    EXPECT_THAT(made->private_key_pem, ::testing::StartsWith("-----BEGIN RSA PRIVATE KEY-----"));
    EXPECT_THAT(made->public_key_pem, ::testing::StartsWith("-----BEGIN PUBLIC KEY-----"));
    EXPECT_TRUE(x509::is_signed_by(*certificate, *x509::read_certificate_pem(shared_authority().root_pem())));
    EXPECT_EQ(run(world->describe_certificate(record.id))->pem, record.pem);
}

TEST(Certificates, AreInactiveUnlessAskedOtherwise) {
    World world;
    EXPECT_EQ(world.certificate(false).status, CertificateStatus::inactive);
}

TEST(Certificates, BadRequestsAreRefused) {
    World world;
    expect_error(run(world->create_certificate_from_csr("nonsense", true)), Errc::invalid_request, "Invalid CSR: ");
    expect_error(
        run(world->create_certificate_from_csr("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n", true)),
        Errc::invalid_request, "Invalid CSR: ");
    expect_error(run(world->create_certificate_from_csr("", true)), Errc::invalid_request, "'certificateSigningRequest'");
    expect_error(run(world->create_certificate_from_csr(std::string(4097, 'a'), true)), Errc::invalid_request,
                 "less than or equal to 4096");
    expect_error(run(world->describe_certificate(CertificateId("abc"))), Errc::invalid_request,
                 "Member must have length greater than or equal to 64");
    expect_error(run(world->describe_certificate(CertificateId(std::string(64, 'g')))), Errc::invalid_request, "(0x)?[a-fA-F0-9]+");
    expect_error(run(world->describe_certificate(CertificateId(std::string(64, 'a')))), Errc::resource_not_found, "not found");
}

TEST(Certificates, AreAuthenticatedByFingerprintAndState) {
    World world;
    const CertificateRecord record = world.certificate();
    const std::string der = der_of(record);
    const auto principal = run(world->authenticate_certificate(der));
    ASSERT_TRUE(principal);
    EXPECT_EQ(principal->kind, Principal::Kind::certificate);
    EXPECT_EQ(principal->id, record.id.str());
    EXPECT_EQ(principal->arn, record.arn);
    expect_error(run(world->authenticate_certificate(der + "x")), Errc::certificate_not_registered, "is not registered");
    expect_error(run(world->authenticate_certificate("")), Errc::certificate_not_registered, "is not registered");

    // Each change is seen by the next connect, although the state was cached.
    ASSERT_TRUE(run(world->update_certificate(record.id, CertificateStatus::inactive)));
    expect_error(run(world->authenticate_certificate(der)), Errc::certificate_inactive, record.id.str() + " is INACTIVE");
    ASSERT_TRUE(run(world->update_certificate(record.id, CertificateStatus::revoked)));
    expect_error(run(world->authenticate_certificate(der)), Errc::certificate_revoked, "is REVOKED");
    ASSERT_TRUE(run(world->update_certificate(record.id, CertificateStatus::active)));
    EXPECT_TRUE(run(world->authenticate_certificate(der)));
    ASSERT_TRUE(run(world->update_certificate(record.id, CertificateStatus::inactive)));
    ASSERT_TRUE(run(world->delete_certificate(record.id, false)));
    expect_error(run(world->authenticate_certificate(der)), Errc::certificate_not_registered, "is not registered");
}

TEST(Certificates, ExpireByTheClock) {
    World world;
    const CertificateRecord record = world.certificate();
    const std::string der = der_of(record);
    world.clock.advance(record.not_after - world.clock.now());
    EXPECT_TRUE(run(world->authenticate_certificate(der))) << "the last moment is still good";
    world.clock.advance(1ms);
    expect_error(run(world->authenticate_certificate(der)), Errc::certificate_expired, "has expired");
}

// A certificate that is being transferred or registered cannot be set so by UpdateCertificate.
TEST(Certificates, OnlyThreeStatesCanBeSet) {
    World world;
    const CertificateRecord record = world.certificate();
    for (const auto status :
         {CertificateStatus::pending_activation, CertificateStatus::pending_transfer, CertificateStatus::register_inactive}) {
        expect_error(run(world->update_certificate(record.id, status)), Errc::invalid_request,
                     std::string(certificate_status_name(status)));
    }
    expect_error(run(world->update_certificate(CertificateId(std::string(64, 'a')), CertificateStatus::active)), Errc::resource_not_found,
                 "");
    EXPECT_TRUE(run(world->update_certificate(record.id, CertificateStatus::active))) << "idempotent";
}

TEST(Certificates, DeletionNeedsInactivityAndNoAttachments) {
    World world;
    const CertificateRecord record = world.certificate();
    const auto remove = [&](bool force) { return run(world->delete_certificate(record.id, force)); };
    expect_error(remove(false), Errc::certificate_state,
                 "Certificate must be deactivated (not ACTIVE) before deletion. Id: " + record.id.str());
    expect_error(remove(true), Errc::certificate_state, "must be deactivated");
    ASSERT_TRUE(run(world->update_certificate(record.id, CertificateStatus::inactive)));
    world.thing("t");
    world.policy("p", allow("iot:Publish", "*"));
    ASSERT_TRUE(run(world->attach_thing_principal(ThingName("t"), record.arn, PrincipalType::non_exclusive)));
    world.attach("p", record);
    expect_error(remove(true), Errc::delete_conflict, "Things must be detached before deletion (arn: " + record.arn + ")");
    ASSERT_TRUE(run(world->detach_thing_principal(ThingName("t"), record.arn)));
    expect_error(remove(false), Errc::delete_conflict, "Certificate policies must be detached before deletion (arn: " + record.arn + ")");
    ASSERT_TRUE(remove(true));
    EXPECT_TRUE(run(world->list_targets_for_policy(PolicyName("p"), {}))->items.empty());
    EXPECT_TRUE(run(world->delete_policy(PolicyName("p")))) << "nothing is attached any more";
    EXPECT_TRUE(run(world->list_certificates({}))->items.empty());
    expect_error(remove(false), Errc::resource_not_found, "");
}

TEST(Certificates, AreListedByAge) {
    World world;
    std::vector<std::string> made;
    for (int i = 0; i < 3; ++i) {
        made.push_back(world.certificate().id.str());
        world.clock.advance(1s);
    }
    PageRequest page{std::nullopt, 2, false};
    const auto first = run(world->list_certificates(page));
    ASSERT_TRUE(first);
    ASSERT_EQ(first->items.size(), 2U);
    EXPECT_EQ(first->items[0].id.str(), made[2]);
    EXPECT_EQ(first->items[1].id.str(), made[1]);
    ASSERT_TRUE(first->next);
    page.marker = first->next;
    const auto second = run(world->list_certificates(page));
    ASSERT_EQ(second->items.size(), 1U);
    EXPECT_EQ(second->items[0].id.str(), made[0]);
    EXPECT_FALSE(second->next);
}

TEST(ThingPrincipals, AreAttachedFromBothSidesAndIdempotent) {
    World world;
    world.thing("t");
    world.thing("u");
    const CertificateRecord a = world.certificate();
    const CertificateRecord b = world.certificate();
    for (int twice = 0; twice < 2; ++twice)
        ASSERT_TRUE(run(world->attach_thing_principal(ThingName("t"), a.arn, PrincipalType::non_exclusive)));
    ASSERT_TRUE(run(world->attach_thing_principal(ThingName("u"), a.arn, PrincipalType::non_exclusive)));
    ASSERT_TRUE(run(world->attach_thing_principal(ThingName("t"), b.arn, PrincipalType::non_exclusive)));
    EXPECT_EQ(run(world->list_thing_principals(ThingName("t")))->size(), 2U);
    EXPECT_EQ(names(*run(world->list_principal_things(a.arn))), (std::vector<ThingName>{ThingName("t"), ThingName("u")}));
    for (int twice = 0; twice < 2; ++twice) ASSERT_TRUE(run(world->detach_thing_principal(ThingName("t"), a.arn)));
    EXPECT_EQ(names(*run(world->list_thing_principals(ThingName("t")))), (std::vector<std::string>{b.arn}));
    EXPECT_EQ(names(*run(world->list_principal_things(a.arn))), (std::vector<ThingName>{ThingName("u")}));
}

TEST(ThingPrincipals, NeedBothEnds) {
    World world;
    world.thing("t");
    const CertificateRecord a = world.certificate();
    const std::string stranger = "arn:aws:iot:eu-west-1:123456789012:cert/" + std::string(64, 'a');
    expect_error(run(world->attach_thing_principal(ThingName("none"), a.arn, PrincipalType::non_exclusive)), Errc::resource_not_found,
                 "Thing none not found");
    expect_error(run(world->attach_thing_principal(ThingName("t"), stranger, PrincipalType::non_exclusive)), Errc::resource_not_found,
                 "Certificate");
    expect_error(run(world->attach_thing_principal(ThingName("t"), "nonsense", PrincipalType::non_exclusive)), Errc::invalid_request,
                 "nonsense");
    expect_error(
        run(world->attach_thing_principal(ThingName("t"), "arn:aws:iot:eu-west-1:123456789012:cert/xyz", PrincipalType::non_exclusive)),
        Errc::invalid_request, "certificateId");
    expect_error(run(world->attach_thing_principal(ThingName("t"), "arn:aws:iot:us-east-1:123456789012:cert/" + a.id.str(),
                                                   PrincipalType::non_exclusive)),
                 Errc::resource_not_found, "");
    expect_error(
        run(world->attach_thing_principal(ThingName("t"), "arn:aws:iot:eu-west-1:123456789012:thinggroup/g", PrincipalType::non_exclusive)),
        Errc::resource_not_found, "");
    expect_error(run(world->detach_thing_principal(ThingName("none"), a.arn)), Errc::resource_not_found, "Thing none not found");
    expect_error(run(world->list_thing_principals(ThingName("none"))), Errc::resource_not_found,
                 "Failed to list principals for thing none because the thing does not exist in your account");
    expect_error(run(world->list_principal_things(stranger)), Errc::resource_not_found, "");
}

}  // namespace
}  // namespace fogbank::registry
