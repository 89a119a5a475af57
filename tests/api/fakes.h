/// Rooms that the API tests talk to. Each fake remembers what it was asked and answers what the test tells it; operations a test does not
/// expect fail.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/http_server.h"
#include "api/service.h"
#include "registry/tags.h"
#include "store/kv/errc.h"
#include "store/kv/memory_engine.h"
#include "store/table/errc.h"
#include "tests/support/fakes.h"

namespace fogbank::api::testing {

inline constexpr const char* access_key_id = "AKIDEXAMPLE";
inline constexpr const char* secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

class FakeAccessKeys final : public registry::AccessKeys {
  public:
    std::optional<registry::AccessKey> find(std::string_view id) const override {
        if (id == access_key_id) return root();
        return std::nullopt;
    }
    /// Any token will do: what a token says is judged elsewhere.
    Result<registry::AccessKey> find_session(std::string_view id, std::string_view) const override {
        if (id == access_key_id) return root();
        return Error(registry::Errc::unknown_access_key, "The security token included in the request is invalid.");
    }
    registry::AccessKey root() const override {
        Principal principal;
        principal.kind = Principal::Kind::iam_user;
        principal.id = "000000000000";
        principal.arn = "arn:aws:iam::000000000000:root";
        return registry::AccessKey{access_key_id, secret_access_key, principal};
    }
};

class FakePermissions final : public Permissions {
  public:
    explicit FakePermissions(std::string topic) : topic_(std::move(topic)) {}
    bool allows(IotAction action, std::string_view resource) override { return action == IotAction::publish && resource == topic_; }
    AccessDecision explain(IotAction action, std::string_view resource) override {
        AccessDecision decision;
        decision.reason = "no statement allows " + std::string(iot_action_name(action)) + " on " + std::string(resource);
        return decision;
    }
    std::uint64_t version() const override { return 1; }

  private:
    std::string topic_;
};

/// Things and policies in maps; no durability, no pattern checks. `failure`, if set, is what the next call answers.
class FakeTags final : public registry::Tags {
  public:
    template <class T = void>
    using Answer = boost::asio::awaitable<Result<T>>;
    Answer<> tag_resource(std::string arn, registry::TagMap tags) override {
        for (auto& [key, value] : tags) kept[arn][key] = value;
        co_return Result<void>();
    }
    Answer<> untag_resource(std::string arn, std::vector<std::string> keys) override {
        for (const auto& key : keys) kept[arn].erase(key);
        co_return Result<void>();
    }
    Answer<registry::TagMap> list_tags(std::string arn) override { co_return kept[arn]; }
    Answer<> forget_resource(std::string arn) override {
        kept.erase(arn);
        co_return Result<void>();
    }
    std::map<std::string, registry::TagMap> kept;
};

class FakeRegistry final : public registry::Registry {
  public:
    template <class T>
    using Answer = registry::Awaitable<T>;

    std::map<std::string, registry::Thing> things;
    std::optional<Error> failure;
    std::vector<std::string> log;
    std::map<std::string, std::string> certificates;  ///< DER to the topic its policies allow
    registry::PageRequest last_page;

    Answer<registry::Thing> create_thing(registry::CreateThingRequest request) override {
        log.push_back("create_thing " + request.name.str());
        if (failure) co_return *failure;
        registry::Thing thing;
        thing.name = request.name;
        thing.id = "id-" + request.name.str();
        thing.arn = "arn:aws:iot:us-east-1:000000000000:thing/" + request.name.str();
        thing.attributes = request.attributes;
        thing.type_name = request.type_name;
        const auto [at, fresh] = things.emplace(request.name.str(), thing);
        if (!fresh && at->second.attributes != request.attributes)
            co_return Error(registry::Errc::resource_already_exists, "Thing exists with other configuration");
        co_return at->second;
    }
    Answer<registry::Thing> describe_thing(ThingName name) override {
        log.push_back("describe_thing " + name.str());
        const auto found = things.find(name.str());
        if (found == things.end()) co_return Error(registry::Errc::resource_not_found, "Thing " + name.str() + " not found");
        co_return found->second;
    }
    Answer<void> delete_thing(ThingName name, std::optional<std::int64_t> version) override {
        log.push_back("delete_thing " + name.str() + " " + (version ? std::to_string(*version) : "any"));
        things.erase(name.str());
        co_return Result<void>();
    }
    Answer<registry::ListPage<registry::Thing>> list_things(registry::ThingFilter filter, registry::PageRequest page) override {
        last_page = page;
        registry::ListPage<registry::Thing> out;
        auto at = page.marker ? things.upper_bound(*page.marker) : things.begin();
        for (; at != things.end() && static_cast<std::int64_t>(out.items.size()) < page.items_max; ++at) {
            if (filter.accepts(at->second)) out.items.push_back(at->second);
        }
        if (at != things.end()) out.next = out.items.back().name.str();
        co_return out;
    }
    Answer<registry::KeysAndCertificate> create_keys_and_certificate(bool active) override {
        log.push_back(active ? "create_keys active" : "create_keys inactive");
        co_return unexpected();
    }
    Answer<registry::CertificateRecord> create_certificate_from_csr(std::string, bool) override { co_return unexpected(); }
    Answer<registry::CertificateRecord> describe_certificate(CertificateId) override { co_return unexpected(); }
    Answer<void> update_certificate(CertificateId, registry::CertificateStatus) override { co_return unexpected(); }
    Answer<void> delete_certificate(CertificateId, bool) override { co_return unexpected(); }
    Answer<registry::ListPage<registry::CertificateRecord>> list_certificates(registry::PageRequest page) override {
        last_page = page;
        co_return registry::ListPage<registry::CertificateRecord>();
    }
    Answer<void> attach_thing_principal(ThingName thing, std::string principal, registry::PrincipalType) override {
        log.push_back("attach_thing_principal " + thing.str() + " " + principal);
        co_return Result<void>();
    }
    Answer<void> detach_thing_principal(ThingName, std::string) override { co_return unexpected(); }
    Answer<std::vector<registry::Attached<std::string>>> list_thing_principals(ThingName) override {
        std::vector<registry::Attached<std::string>> out;
        for (const char* name : {"a", "b", "c"}) out.push_back({name, registry::PrincipalType::non_exclusive});
        co_return out;
    }
    Answer<std::vector<registry::Attached<ThingName>>> list_principal_things(std::string) override { co_return unexpected(); }
    Answer<registry::PolicyRecord> create_policy(PolicyName name, std::string document, registry::TagMap) override {
        log.push_back("create_policy " + name.str() + " " + document);
        if (failure) co_return *failure;
        registry::PolicyRecord record;
        record.name = name;
        record.document = document;
        record.version_id = "1";
        co_return record;
    }
    Answer<registry::PolicyRecord> get_policy(PolicyName) override { co_return unexpected(); }
    Answer<void> delete_policy(PolicyName) override { co_return unexpected(); }
    Answer<registry::ListPage<registry::PolicyRecord>> list_policies(registry::PageRequest) override { co_return unexpected(); }
    Answer<registry::PolicyRecord> create_policy_version(PolicyName, std::string, bool) override { co_return unexpected(); }
    Answer<registry::PolicyRecord> get_policy_version(PolicyName, std::string) override { co_return unexpected(); }
    Answer<std::vector<registry::PolicyRecord>> list_policy_versions(PolicyName) override { co_return unexpected(); }
    Answer<void> set_default_policy_version(PolicyName, std::string) override { co_return unexpected(); }
    Answer<void> delete_policy_version(PolicyName, std::string) override { co_return unexpected(); }
    Answer<void> attach_policy(PolicyName name, std::string target) override {
        log.push_back("attach_policy " + name.str() + " " + target);
        co_return Result<void>();
    }
    Answer<void> detach_policy(PolicyName name, std::string target) override {
        log.push_back("detach_policy " + name.str() + " " + target);
        co_return Result<void>();
    }
    Answer<registry::ListPage<registry::PolicyRecord>> list_attached_policies(std::string target, bool, registry::PageRequest) override {
        log.push_back("list_attached_policies " + target);
        co_return registry::ListPage<registry::PolicyRecord>();
    }
    Answer<registry::ListPage<std::string>> list_targets_for_policy(PolicyName, registry::PageRequest) override { co_return unexpected(); }

    Answer<Principal> authenticate_certificate(std::string der) override {
        const std::lock_guard lock(mutex_);
        last_der = der;
        if (!certificates.contains("*")) co_return Error(registry::Errc::certificate_not_registered, "certificate is not registered");
        Principal principal;
        principal.id = "cert-id";
        co_return principal;
    }
    Answer<void> update_thing(registry::UpdateThingRequest) override { co_return unexpected(); }
    Answer<std::vector<registry::PolicyRecord>> effective_policies(std::string, std::optional<ThingName>) override {
        co_return unexpected();
    }
    Answer<bool> thing_exists(ThingName thing) override { co_return things.contains(thing.str()); }
    Answer<std::string> describe_thing_json(ThingName name) override {
        auto found = co_await describe_thing(name);
        if (!found) co_return found.error();
        co_return "{\"thingName\":\"" + name.str() + "\",\"thingId\":\"" + found->id + "\",\"version\":1,\"attributes\":{}}";
    }
    Answer<std::string> thing_groups_json(ThingName) override { co_return unexpected(); }
    Answer<std::vector<ThingName>> things_in_group(std::string) override { co_return unexpected(); }
    // Subjects that no test asks a fake about.
    registry::ThingTypes& thing_types() override { std::abort(); }
    registry::ThingGroups& thing_groups() override { std::abort(); }
    registry::BillingGroups& billing_groups() override { std::abort(); }
    FakeTags fake_tags;
    registry::Tags& tags() override { return fake_tags; }
    registry::EventConfigurations& events() override { std::abort(); }
    registry::Authorization& authorization() override { std::abort(); }
    registry::LoggingOptions& logging() override { std::abort(); }
    registry::CertificateRegistration& certificate_registration() override { std::abort(); }
    registry::FleetIndex& index() override { std::abort(); }
    void publish_events(Publisher*) override {}
    void observe_revocations(RevocationObserver*) override {}
    Answer<std::unique_ptr<Permissions>> permissions(Principal, ConnectionFacts) override {
        std::unique_ptr<Permissions> out = std::make_unique<FakePermissions>(certificates["*"]);
        co_return out;
    }

    std::string last_der;

  private:
    static Error unexpected() { return Error(registry::Errc::store_unavailable, "this call is not expected by the test"); }
    std::mutex mutex_;
};

class FakeRules final : public rules::RuleService {
  public:
    template <class T>
    using Answer = rules::Awaitable<T>;
    std::vector<rules::RuleDescription> stored;
    std::vector<std::string> log;
    std::optional<Error> failure;

    Answer<void> create_rule(RuleName name, std::string payload) override {
        log.push_back("create " + name.str() + " " + payload);
        if (failure) co_return *failure;
        co_return Result<void>();
    }
    Answer<void> replace_rule(RuleName name, std::string payload) override {
        log.push_back("replace " + name.str() + " " + payload);
        co_return Result<void>();
    }
    Answer<rules::RuleDescription> get_rule(RuleName name) override {
        for (const auto& rule : stored) {
            if (rule.name == name) co_return rule;
        }
        co_return Error(rules::Errc::access_denied, "Access to topic rule '" + name.str() + "' was denied");
    }
    Answer<std::vector<rules::RuleDescription>> list_rules() override { co_return stored; }
    Answer<void> delete_rule(RuleName) override { co_return Result<void>(); }
    Answer<void> set_rule_enabled(RuleName name, bool enabled) override {
        log.push_back((enabled ? "enable " : "disable ") + name.str());
        co_return Result<void>();
    }
    std::optional<rules::RuleCounters> counters(const RuleName&) const override { return std::nullopt; }
    rules::OutboxCounters outbox() const override { return {}; }
    rules::DestinationService& destinations() override { std::abort(); }
    void stop() override {}
};

class FakeFunctions final : public lambda::FunctionService, public lambda::FunctionAdministration {
  public:
    template <class T>
    using Answer = lambda::Awaitable<T>;
    std::vector<std::string> log;
    lambda::InvocationResult result;
    std::optional<lambda::CreateFunctionRequest> created;

    Answer<lambda::FunctionConfiguration> create_function(lambda::CreateFunctionRequest request) override {
        lambda::FunctionConfiguration out;
        out.name = request.name;
        created = std::move(request);
        co_return out;
    }
    Answer<lambda::FunctionConfiguration> get_function(FunctionName name) override {
        if (name.str() != "f") co_return Error(lambda::Errc::resource_not_found, "Function not found: " + name.str());
        lambda::FunctionConfiguration out;
        out.name = name;
        out.modified_at = WallTime(std::chrono::milliseconds(1'672'531'200'007));
        co_return out;
    }
    Answer<std::vector<lambda::FunctionConfiguration>> list_functions() override {
        std::vector<lambda::FunctionConfiguration> out(3);
        co_return out;
    }
    Answer<void> delete_function(FunctionName) override { co_return Result<void>(); }
    Answer<lambda::FunctionConfiguration> update_function(lambda::UpdateFunctionRequest request) override {
        lambda::FunctionConfiguration out;
        out.name = request.name;
        co_return out;
    }
    Answer<lambda::InvocationResult> invoke(FunctionName name, std::string event) override {
        log.push_back("invoke " + name.str() + " " + event);
        co_return result;
    }
    Answer<lambda::InvocationResult> invoke(lambda::InvokeRequest request) override {
        if (!request.function.qualifier.empty()) co_return unknown(request.function);
        log.push_back("invoke " + request.function.name.str() + " " + request.event);
        co_return result;
    }
    boost::asio::awaitable<Result<FunctionAnswer>> call_function(std::string function, std::string event) override {
        log.push_back("call " + function + " " + event);
        co_return FunctionAnswer{result.payload, result.function_error};
    }
    void invoke_async(lambda::FunctionReference function, std::string event, store::kv::CommitHandler done) override {
        if (!function.qualifier.empty()) return done(unknown(function));
        invoke_async(std::move(function.name), std::move(event), std::move(done));
    }
    lambda::FunctionAdministration& administration() override { return *this; }
    Answer<lambda::FunctionConfiguration> get_version(lambda::FunctionReference function) override {
        if (!function.qualifier.empty()) co_return unknown(function);
        co_return co_await get_function(std::move(function.name));
    }
    Answer<std::vector<lambda::FunctionConfiguration>> list_versions(FunctionName) override { return list_functions(); }
    Answer<lambda::FunctionConfiguration> publish_version(lambda::PublishVersionRequest request) override {
        return get_function(std::move(request.name));
    }
    Answer<void> delete_version(lambda::FunctionReference) override { co_return Result<void>(); }
    Answer<lambda::FunctionMeta> get_meta(FunctionName) override { co_return lambda::FunctionMeta(); }
    Answer<lambda::FunctionMeta> change_meta(FunctionName, MetaChange change) override {
        lambda::FunctionMeta meta;
        if (auto changed = change(meta, {}); !changed) co_return changed.error();
        co_return meta;
    }
    void invoke_async(FunctionName name, std::string event, store::kv::CommitHandler done) override {
        log.push_back("async " + name.str() + " " + event);
        done(Result<void>());
    }
    std::size_t backlog() const override { return 0; }
    void start(Surroundings) override {}
    void stop(std::chrono::milliseconds) override {}

  private:
    static Error unknown(const lambda::FunctionReference& function) {
        return {lambda::Errc::resource_not_found, "Function not found: " + function.name.str() + ":" + function.qualifier};
    }
};

class FakePublisher final : public Publisher {
  public:
    void publish(MessagePtr message, Acknowledgement::Callback done) override {
        messages.push_back(std::move(message));
        if (!done) return;
        if (failure) {
            done(Result<void>(*failure));
        } else {
            done(Result<void>());
        }
    }
    std::vector<MessagePtr> messages;
    std::optional<Error> failure;
};

/// One of each, with a clock that stands at 2026-01-02T03:04:05Z.
struct World {
    fogbank::testing::ManualClock clock;
    fogbank::testing::SeededRandom random;
    Metrics metrics;
    FakeRegistry registry;
    FakeAccessKeys keys;
    std::unique_ptr<store::kv::Engine> engine = store::kv::make_memory_engine();
    std::unique_ptr<registry::DeviceAccess> access = *fogbank::testing::run(registry::DeviceAccess::open(*engine));
    std::unique_ptr<registry::Iam> iam =
        *fogbank::testing::run(registry::Iam::open(*engine, clock, random, ArnFactory(AccountId("000000000000"), Region("us-east-1"))));
    FakeRules rules;
    FakeFunctions functions;
    std::unique_ptr<store::table::TableApi> tables = open_tables();  ///< the real ones, in memory
    FakePublisher publisher;
    ShardPool shards{2};

    ApiServer::Dependencies dependencies() {
        return ApiServer::Dependencies{shards,
                                       registry,
                                       keys,
                                       *iam,
                                       *access,
                                       rules,
                                       functions,
                                       *tables,
                                       publisher,
                                       clock,
                                       random,
                                       metrics,
                                       ArnFactory(AccountId("000000000000"), Region("us-east-1")),
                                       Quotas(QuotaProfile::aws)};
    }
    std::unique_ptr<store::table::TableApi> open_tables() {
        const store::table::TableService::Dependencies rooms{
            *engine, clock, random, ArnFactory(AccountId("000000000000"), Region("us-east-1")), Quotas(QuotaProfile::aws)};
        return std::move(*fogbank::testing::run(store::table::open_table_service(rooms)));
    }
    Services services() { return Services{dependencies(), "gateway.example"}; }
};

}  // namespace fogbank::api::testing
