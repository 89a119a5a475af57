// Custom authorizers with a function that the test plays.
#include "registry/custom_authorizers.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <nlohmann/json.hpp>

#include "common/encoding.h"
#include "tests/registry/support.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;

class FakeFunctions final : public FunctionCaller {
  public:
    boost::asio::awaitable<Result<FunctionAnswer>> call_function(std::string function, std::string event) override {
        ++calls;
        last_function = std::move(function);
        last_event = json::parse(event);
        FunctionAnswer out;
        out.payload = answer;
        out.function_error = function_error;
        co_return out;
    }
    int calls = 0;
    std::string last_function, answer, function_error;
    json last_event;
};

constexpr const char* allow_a =
    R"({"isAuthenticated":true,"principalId":"me","disconnectAfterInSeconds":3600,"refreshAfterInSeconds":300,"policyDocuments":[
        {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Publish","Resource":"arn:aws:iot:eu-west-1:123456789012:topic/a/${iot:ClientId}"}]}]})";

struct SigningKey {
    SigningKey() : key(std::move(*x509::generate_rsa_2048())), public_pem(*x509::public_key_pem(key)) {}
    std::string sign(const std::string& text) const {
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key.get());
        std::size_t size = 512;
        std::string out(size, '\0');
        EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, reinterpret_cast<const unsigned char*>(text.data()),
                       text.size());
        EVP_MD_CTX_free(context);
        out.resize(size);
        return base64_encode(out);
    }
    x509::Key key;
    std::string public_pem;
};

class CustomAuthorizers : public ::testing::Test {
  protected:
    void SetUp() override {
        CustomAuthorizer one;
        one.name = "signed";
        one.function_arn = "f";
        one.token_key_name = "token";
        one.signing_keys["k"] = key().public_pem;
        add(one);
        one.name = "open";
        one.signing_disabled = true;
        add(one);
        functions_.answer = allow_a;
    }
    static const SigningKey& key() {
        static const SigningKey made;
        return made;
    }
    void add(const CustomAuthorizer& one) {
        UniqueFunction<Result<void>(DeviceAccessState&)> edit = [one](DeviceAccessState& state) -> Result<void> {
            state.authorizers[one.name] = one;
            return {};
        };
        ASSERT_TRUE(run(access_->change(std::move(edit))));
    }
    Result<CustomGrant> come(CustomCredentials credentials) {
        ConnectionFacts facts;
        facts.client_id = ClientId("c1");
        return run(authenticator_->authenticate_custom(std::move(credentials), facts));
    }
    static CustomCredentials by_user_name(const std::string& user_name) {
        CustomCredentials out;
        out.over_mqtt = true;
        out.client_id = "c1";
        out.user_name = user_name;
        out.password = "secret";
        out.server_name = "host";
        return out;
    }

    std::unique_ptr<store::kv::Engine> engine_ = store::kv::make_memory_engine();
    std::unique_ptr<DeviceAccess> access_ = std::move(*run(DeviceAccess::open(*engine_)));
    FakeFunctions functions_;
    ManualClock clock_;
    SeededRandom random_;
    std::unique_ptr<CustomAuthenticator> authenticator_ = make_custom_authenticator({*access_, functions_, clock_, random_, test_arns});
};

TEST_F(CustomAuthorizers, ThePoliciesOfTheAnswerAreInForce) {
    auto grant = come(by_user_name("u?x-amz-customauthorizer-name=open&token=t"));
    ASSERT_TRUE(grant) << grant.error().message;
    EXPECT_EQ(grant->principal.id, "me");
    EXPECT_EQ(grant->disconnect_after, std::chrono::seconds(3600));
    EXPECT_EQ(grant->refresh_after, std::chrono::seconds(300));
    EXPECT_TRUE(grant->permissions->allows(IotAction::publish, "a/c1"));
    EXPECT_FALSE(grant->permissions->allows(IotAction::publish, "a/c2"));
    EXPECT_FALSE(grant->permissions->allows(IotAction::connect, "c1"));
    EXPECT_EQ(functions_.last_event["token"], "t");
    EXPECT_EQ(functions_.last_event["signatureVerified"], false);
    EXPECT_EQ(functions_.last_event["protocols"], (json{"tls", "mqtt"}));
    EXPECT_EQ(functions_.last_event["protocolData"]["mqtt"]["password"], base64_encode("secret"));
}

TEST_F(CustomAuthorizers, NoFunctionRunsWithoutASignedToken) {
    EXPECT_EQ(come(by_user_name("u?x-amz-customauthorizer-name=signed&token=t")).error().code, Errc::not_authorized);
    EXPECT_EQ(come(by_user_name("u?x-amz-customauthorizer-name=signed&token=t&x-amz-customauthorizer-signature=AAAA")).error().code,
              Errc::not_authorized);
    EXPECT_EQ(functions_.calls, 0);
    const std::string good = percent_encode(key().sign("t"));
    EXPECT_FALSE(come(by_user_name("u?x-amz-customauthorizer-name=signed&token=T&x-amz-customauthorizer-signature=" + good)));
    EXPECT_EQ(functions_.calls, 0);
    EXPECT_TRUE(come(by_user_name("u?x-amz-customauthorizer-name=signed&token=t&x-amz-customauthorizer-signature=" + good)));
    EXPECT_EQ(functions_.last_event["signatureVerified"], true);
}

TEST_F(CustomAuthorizers, TheDefaultOneIsAskedWhenNoneIsNamed) {
    EXPECT_EQ(come(by_user_name("u")).error().code, Errc::not_authorized);
    UniqueFunction<Result<void>(DeviceAccessState&)> edit = [](DeviceAccessState& state) -> Result<void> {
        state.default_authorizer = "open";
        return {};
    };
    ASSERT_TRUE(run(access_->change(std::move(edit))));
    EXPECT_TRUE(come(by_user_name("u")));
    EXPECT_EQ(come(by_user_name("u?x-amz-customauthorizer-name=none")).error().code, Errc::not_authorized);
}

TEST_F(CustomAuthorizers, RefusalsAndFailures) {
    for (const char* answer : {R"({"isAuthenticated":false})", R"({"isAuthenticated":true,"principalId":"a b"})", "{}", "x", "",
                               R"({"isAuthenticated":true,"principalId":"a","policyDocuments":["{"]})",
                               R"({"isAuthenticated":true,"principalId":"a","disconnectAfterInSeconds":1})"}) {
        functions_.answer = answer;
        EXPECT_FALSE(come(by_user_name("u?x-amz-customauthorizer-name=open"))) << answer;
    }
    functions_.answer = allow_a;
    functions_.function_error = "Unhandled";
    EXPECT_EQ(come(by_user_name("u?x-amz-customauthorizer-name=open")).error().code, Errc::not_authorized);
}

TEST_F(CustomAuthorizers, HttpAnswersAreKeptWhereTheAuthorizerAllowsIt) {
    CustomAuthorizer one;
    one.name = "cached";
    one.function_arn = "f";
    one.signing_disabled = one.caching_for_http = true;
    add(one);
    CustomCredentials credentials;
    credentials.authorizer_name = "cached";
    credentials.headers = {{"x", "1"}};
    ASSERT_TRUE(come(credentials));
    ASSERT_TRUE(come(credentials));
    EXPECT_EQ(functions_.calls, 1);
    credentials.headers = {{"x", "2"}};
    ASSERT_TRUE(come(credentials));
    EXPECT_EQ(functions_.calls, 2);
    clock_.advance(std::chrono::seconds(301));
    ASSERT_TRUE(come(credentials));
    EXPECT_EQ(functions_.calls, 3);
    credentials.over_mqtt = true;
    ASSERT_TRUE(come(credentials));
    ASSERT_TRUE(come(credentials));
    EXPECT_EQ(functions_.calls, 5);
}

}  // namespace
}  // namespace fogbank::registry
