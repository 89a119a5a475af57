#include <sys/stat.h>

#include <fstream>

#include "common/common_errc.h"
#include "registry/iam.h"
#include "tests/registry/support.h"

namespace fogbank::registry {
namespace {

using namespace std::chrono_literals;

struct Authority {
    TemporaryFolder folder;
    ManualClock clock;
    SystemRandom random;
    Result<std::unique_ptr<CertificateAuthority>> open() const {
        return CertificateAuthority::open(folder.path() / "pki", clock, const_cast<SystemRandom&>(random));
    }
    std::filesystem::path file(const char* name) const { return folder.path() / "pki" / name; }
    std::string text(const char* name) const {
        std::ifstream in(file(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    void write(const char* name, const std::string& text) const { std::ofstream(file(name), std::ios::binary) << text; }
    unsigned mode(const char* name) const {
        struct stat status {};
        return ::stat(file(name).c_str(), &status) == 0 ? status.st_mode & 0777U : 0;
    }
};

const std::vector<std::string> names{"localhost", "127.0.0.1", "::1", "*.iot.eu-west-1.amazonaws.com"};

TEST(CertificateAuthority, KeepsItsRoot) {
    Authority a;
    const auto first = a.open();
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ((*first)->root_file(), a.file("root-ca.pem"));
    EXPECT_EQ(a.text("root-ca.pem"), (*first)->root_pem());
    EXPECT_EQ(a.mode("root-ca.key"), 0600U);
    EXPECT_EQ(a.mode("root-ca.pem"), 0644U);
    a.clock.advance(24h * 365 * 20);
    const auto second = a.open();
    ASSERT_TRUE(second);
    EXPECT_EQ((*second)->root_pem(), (*first)->root_pem());
    const auto device = (*second)->issue_device(*x509::generate_p256());
    ASSERT_TRUE(device);
    EXPECT_TRUE(x509::is_signed_by(*device, *x509::read_certificate_pem((*first)->root_pem())));
}

TEST(CertificateAuthority, ReissuesTheServerCertificateWhenItMustAndOnlyThen) {
    Authority a;
    const auto authority = a.open();
    ASSERT_TRUE(authority);
    const auto first = (*authority)->server_certificate(names);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_TRUE(first->reissued);
    EXPECT_EQ(a.mode("server.key"), 0600U);
    const auto certificate = x509::read_certificate_pem(first->chain_pem);
    EXPECT_EQ(x509::subject_alternative_names(*certificate).size(), 4U);
    EXPECT_TRUE(x509::key_matches(*certificate, *x509::read_private_key_pem(first->key_pem)));

    std::vector<std::string> shuffled{"LOCALHOST", "0:0::1", "*.iot.eu-west-1.amazonaws.com", "127.0.0.1", "localhost"};
    const auto again = (*a.open())->server_certificate(shuffled);
    EXPECT_FALSE(again->reissued) << "the same names in another order and spelling";
    EXPECT_EQ(again->chain_pem, first->chain_pem);
    EXPECT_EQ(again->key_pem, first->key_pem);

    auto more = names;
    more.push_back("plant.example");
    EXPECT_TRUE((*authority)->server_certificate(more)->reissued);
    EXPECT_TRUE((*authority)->server_certificate(names)->reissued) << "a name that was taken away is not vouched for any more";
    a.clock.advance(24h * 794);
    EXPECT_FALSE((*authority)->server_certificate(names)->reissued);
    a.clock.advance(24h * 2);
    EXPECT_TRUE((*authority)->server_certificate(names)->reissued) << "less than 30 days left";
}

TEST(CertificateAuthority, ReplacesADamagedServerCertificate) {
    Authority a;
    const auto authority = a.open();
    const auto first = (*authority)->server_certificate(names);
    ASSERT_TRUE(first);
    a.write("server.pem", "damaged");
    EXPECT_TRUE((*authority)->server_certificate(names)->reissued);
    a.write("server.key", first->key_pem);  // of the certificate before: a crash between the two renames
    EXPECT_TRUE((*authority)->server_certificate(names)->reissued);
    std::filesystem::remove(a.file("server.key"));
    EXPECT_TRUE((*authority)->server_certificate(names)->reissued);
    EXPECT_FALSE((*authority)->server_certificate(names)->reissued);
    EXPECT_EQ((*authority)->server_certificate({"a b"}).error().code, CommonErrc::malformed);
    EXPECT_EQ((*authority)->server_certificate({}).error().code, CommonErrc::malformed);
}

TEST(CertificateAuthority, RefusesAHalfPair) {
    Authority a;
    ASSERT_TRUE(a.open());
    const std::string key = a.text("root-ca.key");
    std::filesystem::remove(a.file("root-ca.key"));
    auto refused = a.open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, CommonErrc::io_error);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("root-ca.key` is missing"));
    a.write("root-ca.key", key);
    std::filesystem::remove(a.file("root-ca.pem"));
    EXPECT_THAT(a.open().error().message, ::testing::HasSubstr("root-ca.pem` is missing"));
    EXPECT_EQ(a.text("root-ca.key"), key) << "never replaced";
}

TEST(CertificateAuthority, RefusesADamagedOrForeignRoot) {
    Authority a;
    Authority other;
    ASSERT_TRUE(a.open());
    ASSERT_TRUE(other.open());
    const std::string root = a.text("root-ca.pem");
    a.write("root-ca.pem", other.text("root-ca.pem"));
    EXPECT_EQ(a.open().error().code, CommonErrc::crypto_failure);
    EXPECT_THAT(a.open().error().message, ::testing::HasSubstr("do not belong together"));
    a.write("root-ca.pem", root.substr(0, root.size() / 2));
    EXPECT_THAT(a.open().error().message, ::testing::HasSubstr("damaged, restore it from a backup"));
    a.write("root-ca.pem", root);
    EXPECT_TRUE(a.open());
}

// kill -9 at each point of the first start leaves something that the second start can use.
TEST(CertificateAuthority, FinishesWhatACrashLeft) {
    Authority a;
    ASSERT_TRUE(a.open());
    const std::string root = a.text("root-ca.pem");
    // After the first rename.
    std::filesystem::rename(a.file("root-ca.pem"), a.file("root-ca.pem.new"));
    auto again = a.open();
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ((*again)->root_pem(), root);
    EXPECT_EQ(a.text("root-ca.pem"), root);
    // Before the first rename: nothing was handed out, everything is made anew.
    std::filesystem::rename(a.file("root-ca.pem"), a.file("root-ca.pem.new"));
    std::filesystem::rename(a.file("root-ca.key"), a.file("root-ca.key.new"));
    a.write("root-ca.pem.new", root.substr(0, 10));
    again = a.open();
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_NE((*again)->root_pem(), root);
    EXPECT_TRUE(a.open());
}

TEST(CertificateAuthority, SaysWhichFolderItCannotUse) {
    Authority a;
    a.write("../pki", "a file");
    std::ofstream(a.folder.path() / "pki") << "a file";
    const auto refused = a.open();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, CommonErrc::io_error);
    EXPECT_THAT(refused.error().message, ::testing::HasSubstr("pki"));
}

TEST(AccessKeys, RootKeyIsMadeOnce) {
    const auto engine = store::kv::make_memory_engine();
    SystemRandom random;
    const fogbank::testing::ManualClock clock;
    const auto first = run(Iam::open(*engine, clock, random, test_arns));
    ASSERT_TRUE(first);
    const AccessKey root = (*first)->root();
    EXPECT_THAT(root.access_key_id, ::testing::MatchesRegex("AKIA[A-Z2-7]+"));
    EXPECT_EQ(root.access_key_id.size(), 20U);
    EXPECT_EQ(root.secret_access_key.size(), 40U);
    EXPECT_EQ(root.principal.kind, Principal::Kind::iam_user);
    EXPECT_EQ(root.principal.arn, "arn:aws:iam::123456789012:root");
    const auto second = run(Iam::open(*engine, clock, random, test_arns));
    EXPECT_EQ((*second)->root().secret_access_key, root.secret_access_key);
    EXPECT_EQ((*second)->find(root.access_key_id)->secret_access_key, root.secret_access_key);
    EXPECT_FALSE((*second)->find("AKIAAAAAAAAAAAAAAAAA"));
    EXPECT_FALSE((*second)->find(""));
    engine->stop();
    EXPECT_EQ(run(Iam::open(*engine, clock, random, test_arns)).error().code, Errc::store_unavailable);
}

}  // namespace
}  // namespace fogbank::registry
