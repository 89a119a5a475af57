#include "common/x509.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <set>

#include "common/common_errc.h"
#include "tests/support/fakes.h"

namespace fogbank::x509 {
namespace {

using fogbank::testing::SeededRandom;
using namespace std::chrono;

WallTime at(int y, unsigned m, unsigned d, seconds time_of_day = seconds(0)) {
    return time_point_cast<milliseconds>(sys_days(year(y) / month(m) / day(d)) + time_of_day);
}

struct Root {
    Key key = std::move(*generate_p256());
    Certificate certificate;
    explicit Root(RandomSource& random) {
        Name name;
        name.common_name = "test root";
        certificate = std::move(*make_root(key, name, {at(2026, 1, 1), at(2126, 1, 1)}, random));
    }
};

LeafOptions device_options() {
    LeafOptions options;
    options.subject.common_name = "AWS IoT Certificate";
    options.validity = {at(2026, 1, 1), at(2049, 12, 31, hours(24) - seconds(1))};
    return options;
}

std::string request_pem(EVP_PKEY* key, const char* common_name, bool spoil = false) {
    X509_REQ* request = X509_REQ_new();
    X509_REQ_set_pubkey(request, key);
    if (common_name != nullptr) {
        X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
    }
    X509_REQ_sign(request, key, EVP_sha256());
    if (spoil)
        X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "O", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("x"), -1,
                                   -1, 0);
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_REQ(bio, request);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string pem(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    X509_REQ_free(request);
    return pem;
}

TEST(X509Keys, HaveTheHeadingsOfAws) {
    const Key rsa = std::move(*generate_rsa_2048());
    EXPECT_TRUE(private_key_pem(rsa)->starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    EXPECT_TRUE(public_key_pem(rsa)->starts_with("-----BEGIN PUBLIC KEY-----\n"));
    EXPECT_EQ(EVP_PKEY_get_bits(rsa.get()), 2048);
    EXPECT_TRUE(private_key_pem(*generate_p256())->starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
}

TEST(X509Keys, SurviveWritingAndReading) {
    for (const Key& key : {std::move(*generate_rsa_2048()), std::move(*generate_p256())}) {
        const auto again = read_private_key_pem(*private_key_pem(key));
        ASSERT_TRUE(again);
        EXPECT_EQ(EVP_PKEY_eq(key.get(), again->get()), 1);
    }
}

TEST(X509Keys, RefuseWhatIsNotAKey) {
    EXPECT_EQ(read_private_key_pem("nonsense").error().code, CommonErrc::malformed);
    EXPECT_EQ(read_private_key_pem("").error().code, CommonErrc::malformed);
    // An encrypted key must not make the server ask at a terminal.
    EXPECT_EQ(read_private_key_pem("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n").error().code,
              CommonErrc::malformed);
    EXPECT_EQ(read_private_key_pem(std::string(70000, 'a')).error().code, CommonErrc::too_large);
    EXPECT_EQ(ERR_peek_error(), 0UL) << "an error stays in OpenSSL's queue";
}

TEST(X509Root, IsACertificateAuthorityThatSignedItself) {
    SeededRandom random;
    const Root root(random);
    EXPECT_EQ(X509_check_ca(root.certificate.get()), 1);
    EXPECT_TRUE(is_signed_by(root.certificate, root.certificate));
    EXPECT_TRUE(key_matches(root.certificate, root.key));
    EXPECT_EQ(X509_get_key_usage(root.certificate.get()), static_cast<unsigned>(X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN));
    EXPECT_NE(X509_get0_subject_key_id(root.certificate.get()), nullptr);
    EXPECT_EQ(validity(root.certificate)->not_after, at(2126, 1, 1));
}

TEST(X509Leaf, DeviceCertificateEndsAtTheEndOf2049InUtcTime) {
    SeededRandom random;
    const Root root(random);
    const Key key = std::move(*generate_p256());
    const auto leaf = make_leaf(key, device_options(), root.certificate, root.key, random);
    ASSERT_TRUE(leaf);
    EXPECT_EQ(validity(*leaf)->not_after, at(2049, 12, 31, hours(24) - seconds(1)));
    EXPECT_EQ(X509_get0_notAfter(leaf->get())->type, V_ASN1_UTCTIME);  // RFC 5280 section 4.1.2.5
    EXPECT_EQ(X509_get0_notAfter(root.certificate.get())->type, V_ASN1_GENERALIZEDTIME);
    EXPECT_EQ(subject_common_name(*leaf), "AWS IoT Certificate");
    EXPECT_TRUE(is_signed_by(*leaf, root.certificate));
    EXPECT_FALSE(is_signed_by(root.certificate, *leaf));
    EXPECT_EQ(X509_check_issued(root.certificate.get(), leaf->get()), X509_V_OK);
    EXPECT_NE(X509_get0_authority_key_id(leaf->get()), nullptr);
    EXPECT_EQ(X509_check_purpose(leaf->get(), X509_PURPOSE_SSL_CLIENT, 0), 1);
    EXPECT_EQ(X509_check_purpose(leaf->get(), X509_PURPOSE_SSL_SERVER, 0), 0);
}

TEST(X509Leaf, SerialNumbersArePositiveTwentyBytesAndDiffer) {
    SeededRandom random;
    const Root root(random);
    const Key key = std::move(*generate_p256());
    std::set<std::string> seen;
    for (int i = 0; i < 200; ++i) {
        const auto leaf = make_leaf(key, device_options(), root.certificate, root.key, random);
        const std::string serial = serial_number(*leaf);
        EXPECT_EQ(serial.size(), 40U);
        EXPECT_EQ(ASN1_STRING_type(X509_get0_serialNumber(leaf->get())), V_ASN1_INTEGER) << "negative";
        EXPECT_TRUE(seen.insert(serial).second);
    }
}

TEST(X509Leaf, ServerNamesAreToldApartByForm) {
    SeededRandom random;
    const Root root(random);
    LeafOptions options = device_options();
    options.server = true;
    options.alternative_names = {"localhost", "*.iot.us-east-1.amazonaws.com", "127.0.0.1", "::1", "2001:db8::7"};
    const auto leaf = make_leaf(*generate_p256(), options, root.certificate, root.key, random);
    ASSERT_TRUE(leaf) << leaf.error().message;
    EXPECT_EQ(subject_alternative_names(*leaf),
              (std::vector<std::string>{"*.iot.us-east-1.amazonaws.com", "127.0.0.1", "2001:db8::7", "::1", "localhost"}));
    EXPECT_EQ(X509_check_host(leaf->get(), "a1b2.iot.us-east-1.amazonaws.com", 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_host(leaf->get(), "other.example", 0, 0, nullptr), 0);
    EXPECT_EQ(X509_check_ip_asc(leaf->get(), "127.0.0.1", 0), 1);
    EXPECT_EQ(X509_check_ip_asc(leaf->get(), "::1", 0), 1);
    EXPECT_EQ(X509_check_purpose(leaf->get(), X509_PURPOSE_SSL_SERVER, 0), 1);
}

TEST(X509Leaf, NamesCannotSmuggleOtherNames) {
    SeededRandom random;
    const Root root(random);
    const std::vector<std::string> bad_names{"a,DNS:evil.example", "", "a b", "a\nb", std::string("a\0b", 3), std::string(300, 'a')};
    for (const std::string& bad : bad_names) {
        LeafOptions options = device_options();
        options.alternative_names = {bad};
        EXPECT_EQ(make_leaf(*generate_p256(), options, root.certificate, root.key, random).error().code, CommonErrc::malformed) << bad;
    }
}

TEST(X509Csr, KeepsTheSubjectOrTakesTheDefault) {
    SeededRandom random;
    const Root root(random);
    const Key key = std::move(*generate_p256());
    const auto named = make_leaf_from_csr(request_pem(key.get(), "gateway-7"), device_options(), root.certificate, root.key, random);
    ASSERT_TRUE(named) << named.error().message;
    EXPECT_EQ(subject_common_name(*named), "gateway-7");
    EXPECT_TRUE(key_matches(*named, key));
    const auto bare = make_leaf_from_csr(request_pem(key.get(), nullptr), device_options(), root.certificate, root.key, random);
    EXPECT_EQ(subject_common_name(*bare), "AWS IoT Certificate");
}

TEST(X509Csr, RefusesBadRequests) {
    SeededRandom random;
    const Root root(random);
    const auto refused = [&](const std::string& pem) {
        const auto leaf = make_leaf_from_csr(pem, device_options(), root.certificate, root.key, random);
        return !leaf && leaf.error().code == CommonErrc::malformed;
    };
    const Key good = std::move(*generate_p256());
    EXPECT_FALSE(refused(request_pem(good.get(), "x")));
    EXPECT_TRUE(refused("nonsense"));
    EXPECT_TRUE(refused(request_pem(good.get(), "x", true))) << "the signature does not fit";
    EXPECT_TRUE(refused(std::string(70000, 'a')));
    const Key short_rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024}));
    EXPECT_TRUE(refused(request_pem(short_rsa.get(), "x")));
    const Key odd_curve(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "secp256k1"));
    EXPECT_TRUE(refused(request_pem(odd_curve.get(), "x")));
    const Key p384(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384"));
    EXPECT_FALSE(refused(request_pem(p384.get(), "x")));
}

TEST(X509Reading, DerAndPemAreTheSameCertificate) {
    SeededRandom random;
    const Root root(random);
    const std::string der = *certificate_der(root.certificate);
    EXPECT_EQ(*certificate_der(*read_certificate_pem(*certificate_pem(root.certificate))), der);
    EXPECT_EQ(*certificate_der(*read_certificate_der(der)), der);
    EXPECT_EQ(certificate_id(der).size(), 64U);
    EXPECT_EQ(certificate_id(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_FALSE(read_certificate_der(der + "x"));
    EXPECT_FALSE(read_certificate_der(der.substr(0, der.size() - 1)));
    EXPECT_FALSE(read_certificate_der(""));
    EXPECT_FALSE(read_certificate_pem("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"));
}

TEST(X509Reading, NamesFieldsAsAwsDoes) {
    SeededRandom random;
    const Key key = std::move(*generate_p256());
    Name name;
    name.country = "DK";
    name.organization = "Værk A/S";
    name.common_name = "root";
    const auto root = make_root(key, name, {at(2026, 1, 1), at(2027, 1, 1)}, random);
    ASSERT_TRUE(root);
    const auto attributes = subject_attributes(*root);
    ASSERT_EQ(attributes.size(), 3U);
    EXPECT_EQ(attributes[0].field, "Country");
    EXPECT_EQ(attributes[1].field, "Organization");
    EXPECT_EQ(attributes[1].value, "Værk A/S");
    EXPECT_EQ(issuer_attributes(*root).size(), 3U);
    name.country = "Denmark";  // X.520: two letters
    EXPECT_EQ(make_root(key, name, {at(2026, 1, 1), at(2027, 1, 1)}, random).error().code, CommonErrc::malformed);
}

}  // namespace
}  // namespace fogbank::x509
