// Temporary credentials and trust: what the API tests cannot see.
#include "registry/iam.h"

#include "tests/registry/support.h"

namespace fogbank::registry {
namespace {

class IamTest : public ::testing::Test {
  protected:
    void open() {
        iam_.reset();
        iam_ = std::move(*run(Iam::open(*engine_, clock_, random_, test_arns)));
    }
    void SetUp() override { open(); }

    void add_role(const std::string& name, const std::string& trust, const std::string& policy) {
        IamRole role;
        role.name = name;
        role.id = "AROA" + name;
        role.trust_policy = trust;
        role.inline_policies["p"] = policy;
        UniqueFunction<Result<void>(IamState&)> edit = [role](IamState& state) -> Result<void> {
            state.roles[role.name] = role;
            return {};
        };
        ASSERT_TRUE(run(iam_->change(std::move(edit))));
    }
    static bool may(const AccessKey& key, const std::string& action, const std::string& resource = "*") {
        return !key.grants || key.grants->for_request({})->check({action, resource, {}}).allowed();
    }
    Result<AccessKey> find(const TemporaryCredentials& credentials) {
        return iam_->find_session(credentials.access_key_id, credentials.session_token);
    }

    std::unique_ptr<store::kv::Engine> engine_ = store::kv::make_memory_engine();
    ManualClock clock_;
    SystemRandom random_;
    std::unique_ptr<Iam> iam_;
};

constexpr const char* put_only = R"({"Statement":[{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"*"}]})";

TEST_F(IamTest, RolesAreHeldToTheirPoliciesAndUnknownOnesAreNot) {
    add_role("writer", "{}", put_only);
    const auto held = run(iam_->role_credentials("arn:aws:iam::123456789012:role/writer", "f", std::chrono::seconds(900)));
    const auto key = find(*held);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->secret_access_key, held->secret_access_key);
    EXPECT_EQ(key->principal.arn, "arn:aws:sts::123456789012:assumed-role/writer/f");
    EXPECT_TRUE(may(*key, "dynamodb:PutItem"));
    EXPECT_FALSE(may(*key, "dynamodb:GetItem"));

    const auto free = run(iam_->role_credentials("arn:aws:iam::999999999999:role/unknown", "f", std::chrono::seconds(900)));
    EXPECT_TRUE(may(*find(*free), "dynamodb:GetItem"));
    // Once there is a role of that name in this account it does not become that role's session, nor lose what it was given.
    EXPECT_TRUE(find(*free));
}

TEST_F(IamTest, SessionsExpireAndSurviveARestart) {
    const auto credentials = iam_->issue(SessionRequest());
    open();
    ASSERT_TRUE(find(credentials));
    EXPECT_EQ(find(credentials)->principal.arn, test_arns.root_user());
    clock_.advance(std::chrono::hours(1));
    EXPECT_EQ(find(credentials).error().code, Errc::session_expired);
}

TEST_F(IamTest, NoByteOfATokenMayChange) {
    const auto credentials = iam_->issue(SessionRequest());
    for (std::size_t i = 0; i < credentials.session_token.size(); i += 7) {
        std::string changed = credentials.session_token;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        EXPECT_EQ(iam_->find_session(credentials.access_key_id, changed).error().code, Errc::unknown_access_key) << i;
    }
    EXPECT_FALSE(iam_->find_session("ASIAAAAAAAAAAAAAAAAA", credentials.session_token));
    for (const char* text : {"", "FwoG", "FwoG====", "FwoGAAAA"}) EXPECT_FALSE(iam_->find_session(credentials.access_key_id, text)) << text;
}

TEST_F(IamTest, AnotherInstallationsTokensAreNotOurs) {
    const auto credentials = iam_->issue(SessionRequest());
    const auto other_engine = store::kv::make_memory_engine();
    const auto other = std::move(*run(Iam::open(*other_engine, clock_, random_, test_arns)));
    EXPECT_EQ(other->find_session(credentials.access_key_id, credentials.session_token).error().code, Errc::unknown_access_key);
}

TEST_F(IamTest, TrustPolicies) {
    struct Case {
        const char* principal;
        const char* caller;
        const char* service;
        Trust expected;
    };
    const Case cases[] = {
        {R"({"AWS":"arn:aws:iam::123456789012:root"})", "arn:aws:iam::123456789012:user/u", "", Trust::account},
        {R"({"AWS":"123456789012"})", "arn:aws:iam::123456789012:user/u", "", Trust::account},
        {R"("*")", "arn:aws:iam::123456789012:user/u", "", Trust::account},
        {R"({"AWS":["arn:aws:iam::123456789012:user/v","arn:aws:iam::123456789012:user/u"]})", "arn:aws:iam::123456789012:user/u", "",
         Trust::directly},
        {R"({"AWS":"arn:aws:iam::123456789012:user/v"})", "arn:aws:iam::123456789012:user/u", "", Trust::no},
        {R"({"AWS":"arn:aws:iam::123456789012:role/a/r"})", "arn:aws:sts::123456789012:assumed-role/r/s", "", Trust::directly},
        {R"({"Service":"lambda.amazonaws.com"})", "", "lambda.amazonaws.com", Trust::directly},
        {R"({"Service":["iot.amazonaws.com"]})", "", "lambda.amazonaws.com", Trust::no},
        {R"({"Service":"lambda.amazonaws.com"})", "arn:aws:iam::123456789012:user/u", "", Trust::no},
    };
    for (const Case& one : cases) {
        const std::string document =
            std::string(R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":)") + one.principal + "}]}";
        EXPECT_TRUE(check_trust_policy(document)) << document;
        IamRole role;
        role.trust_policy = document;
        TrustQuestion question;
        question.caller_arn = one.caller;
        question.service = one.service;
        EXPECT_EQ(iam_->trusts(role, question), one.expected) << document << " " << one.caller;
        role.trust_policy = std::string(R"({"Statement":[{"Effect":"Deny","Action":"*","Principal":"*"},)") + document.substr(14);
        const Trust denied = iam_->trusts(role, question);
        EXPECT_TRUE(one.service[0] != '\0' || denied == Trust::no) << document;
    }
}

TEST_F(IamTest, ExternalIdsAreAsked) {
    IamRole role;
    role.trust_policy = R"({"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*",
        "Condition":{"StringEquals":{"sts:ExternalId":"42"}}}]})";
    TrustQuestion question;
    question.caller_arn = "arn:aws:iam::123456789012:user/u";
    EXPECT_EQ(iam_->trusts(role, question), Trust::no);
    question.external_id = "42";
    EXPECT_EQ(iam_->trusts(role, question), Trust::account);
}

TEST_F(IamTest, AFailedChangeChangesNothing) {
    UniqueFunction<Result<void>(IamState&)> edit = [](IamState& state) -> Result<void> {
        state.users["u"].name = "u";
        return Error(Errc::invalid_request, "no");
    };
    EXPECT_EQ(run(iam_->change(std::move(edit))).error().code, Errc::invalid_request);
    EXPECT_TRUE(iam_->state()->users.empty());
    open();
    EXPECT_TRUE(iam_->state()->users.empty());
}

}  // namespace
}  // namespace fogbank::registry
