/// A registry on the memory engine with its injected sources, and a folder that goes away.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <string>

#include "registry/registry.h"
#include "store/kv/memory_engine.h"
#include "tests/support/fakes.h"

namespace fogbank::registry {

using fogbank::testing::ManualClock;
using fogbank::testing::run;
using fogbank::testing::SeededRandom;

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "fogbank-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

inline const ArnFactory test_arns{AccountId("123456789012"), Region("eu-west-1")};

/// One CA for the whole test program: making its key takes a tenth of a second.
inline CertificateAuthority& shared_authority() {
    static const TemporaryFolder folder;
    static const ManualClock clock;
    static SystemRandom random;
    static const auto authority = std::move(*CertificateAuthority::open(folder.path(), clock, random));
    return *authority;
}

/// A request for an EC key's certificate: signing one is a hundred times faster than making an RSA key.
inline const std::string& test_request() {
    static const std::string pem = [] {
        const x509::Key key = std::move(*x509::generate_p256());
        X509_REQ* request = X509_REQ_new();
        X509_REQ_set_pubkey(request, key.get());
        X509_REQ_sign(request, key.get(), EVP_sha256());
        BIO* bio = BIO_new(BIO_s_mem());
        PEM_write_bio_X509_REQ(bio, request);
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio, &data);
        std::string out(data, static_cast<std::size_t>(size));
        BIO_free(bio);
        X509_REQ_free(request);
        return out;
    }();
    return pem;
}

struct World {
    std::unique_ptr<store::kv::Engine> engine = store::kv::make_memory_engine();
    ManualClock clock;
    SystemRandom random;
    std::unique_ptr<Registry> registry = open(QuotaProfile::aws);

    std::unique_ptr<Registry> open(QuotaProfile profile) {
        auto opened = run(open_registry({*engine, clock, random, test_arns, Quotas(profile), shared_authority()}));
        EXPECT_TRUE(opened) << opened.error().message;
        return std::move(*opened);
    }
    Registry* operator->() { return registry.get(); }

    CertificateRecord certificate(bool active = true) {
        auto made = run(registry->create_certificate_from_csr(test_request(), active));
        EXPECT_TRUE(made) << made.error().message;
        return *made;
    }
    void thing(const std::string& name, std::map<std::string, std::string> attributes = {}) {
        const auto made = run(registry->create_thing(request(name, std::move(attributes))));
        EXPECT_TRUE(made) << made.error().message;
    }
    void policy(const std::string& name, const std::string& document) {
        const auto made = run(registry->create_policy(PolicyName(name), document, {}));
        EXPECT_TRUE(made) << made.error().message;
    }
    void attach(const std::string& policy_name, const CertificateRecord& certificate) {
        const auto done = run(registry->attach_policy(PolicyName(policy_name), certificate.arn));
        EXPECT_TRUE(done) << done.error().message;
    }
    static CreateThingRequest request(const std::string& name, std::map<std::string, std::string> attributes = {}) {
        CreateThingRequest out;
        out.name = ThingName(name);
        out.attributes = std::move(attributes);
        return out;
    }
    std::unique_ptr<Permissions> permissions(const CertificateRecord& certificate, const std::string& client_id) {
        ConnectionFacts facts;
        facts.client_id = ClientId(client_id);
        return permissions(certificate, facts);
    }
    std::unique_ptr<Permissions> permissions(const CertificateRecord& certificate, const ConnectionFacts& facts) {
        Principal principal;
        principal.id = certificate.id.str();
        principal.arn = certificate.arn;
        auto made = run(registry->permissions(principal, facts));
        EXPECT_TRUE(made) << made.error().message;
        return std::move(*made);
    }
};

template <class T>
std::vector<T> names(const std::vector<Attached<T>>& attached) {
    std::vector<T> out;
    for (const auto& one : attached) out.push_back(one.what);
    return out;
}

inline std::string der_of(const CertificateRecord& record) {
    return *x509::certificate_der(*x509::read_certificate_pem(record.pem));
}

inline std::string allow(const std::string& action, const std::string& resource) {
    return R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":")" + action + R"(","Resource":")" + resource + R"("}})";
}

/// Expects the failed `result` to have this code and a text that contains `text`.
template <class T>
void expect_error(const Result<T>& result, Errc code, const std::string& text) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_THAT(result.error().message, ::testing::HasSubstr(text));
}

}  // namespace fogbank::registry
