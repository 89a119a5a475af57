#include <mutex>
#include <unordered_map>

#include "common/encoding.h"
#include "policy/document.h"
#include "registry/custom_authorizers.h"
#include "registry/detail/caller_access.h"
#include "registry/detail/permissions.h"
#include "registry/function_call.h"

namespace fogbank::registry {
namespace {

constexpr std::string_view signature_key = "x-amz-customauthorizer-signature", name_key = "x-amz-customauthorizer-name";
/// Answers kept for HTTP callers whose authorizer allows it.
constexpr std::size_t cached_max = 4096;
/// How long an answer without refreshAfterInSeconds may be used again; AWS names no default, this is its least period.
constexpr std::chrono::seconds default_refresh{300};

/// The policies that the function answered, on one connection.
class GrantedPermissions final : public Permissions {
  public:
    GrantedPermissions(Principal principal, std::vector<policy::Policy> policies, const policy::Context& context, ArnFactory arns)
        : principal_(std::move(principal)), arn_prefix_(arns.iot("")), evaluator_(std::move(policies), context) {}

    bool allows(IotAction action, std::string_view resource_name) override {
        return evaluator_.evaluate({iot_action_name(action), resource(action, resource_name)}) == policy::Decision::Outcome::allowed;
    }
    AccessDecision explain(IotAction action, std::string_view resource_name) override {
        const policy::Request request{iot_action_name(action), resource(action, resource_name)};
        const policy::Decision decision = evaluator_.explain(request);
        AccessDecision out;
        if (decision.outcome == policy::Decision::Outcome::allowed) out.outcome = AccessDecision::Outcome::allowed;
        if (decision.outcome == policy::Decision::Outcome::explicit_deny) out.outcome = AccessDecision::Outcome::explicit_deny;
        out.reason = decision.text(request, principal_.arn);
        return out;
    }
    std::uint64_t version() const override { return 1; }

  private:
    std::string_view resource(IotAction action, std::string_view name) {
        scratch_.clear();
        append_resource(action, name, arn_prefix_, scratch_);
        return scratch_;
    }

    Principal principal_;
    std::string arn_prefix_, scratch_;
    policy::Evaluator evaluator_;
};

KeyValues connection_keys(const ConnectionFacts& facts, const ArnFactory& arns) {
    KeyValues out;
    if (!facts.client_id.empty()) out.set("iot:ClientId", {facts.client_id.str()});
    if (!facts.source_ip.empty()) out.set("aws:SourceIp", {facts.source_ip});
    if (!facts.server_name.empty()) out.set("iot:DomainName", {facts.server_name});
    std::vector<std::string> attributes;
    if (facts.persistent) attributes.emplace_back("PersistentConnect");
    if (!facts.will_topic.empty()) attributes.emplace_back("LastWill");
    out.set("iot:ConnectAttributes", std::move(attributes));
    if (!facts.will_topic.empty()) out.set("iot:LastWillTopic", {arns.iot("topic/" + facts.will_topic)});
    return out;
}

/// A member of `a=b&c=d`.
std::string query_member(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view part = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) continue;
        if (percent_decode(part.substr(0, equals)).value_or("") == name) return percent_decode(part.substr(equals + 1)).value_or("");
    }
    return {};
}

std::string lower(std::string text) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

/// A value that a client gives in a header, in the query string, or in the query part of its MQTT user name.
std::string given(const CustomCredentials& credentials, std::string_view name) {
    const std::string wanted = lower(std::string(name));
    for (const auto& [header, value] : credentials.headers) {
        if (header == wanted) return value;
    }
    if (auto value = query_member(credentials.query_string, name); !value.empty()) return value;
    const std::size_t mark = credentials.user_name.find('?');
    return mark == std::string::npos ? std::string() : query_member(std::string_view(credentials.user_name).substr(mark + 1), name);
}

Error refused(std::string reason) {
    return Error(Errc::not_authorized, std::move(reason));
}

class FunctionAuthenticator final : public CustomAuthenticator {
  public:
    explicit FunctionAuthenticator(CustomAuthenticatorDependencies dependencies) : deps_(std::move(dependencies)) {}

    boost::asio::awaitable<Result<CustomGrant>> authenticate_custom(CustomCredentials credentials, ConnectionFacts facts) override {
        const auto authorizer = choose(credentials);
        if (!authorizer) co_return authorizer.error();
        auto answer = co_await ask(*authorizer, std::move(credentials));
        if (!answer) co_return answer.error();
        if (!answer->is_authenticated) co_return refused("authorizer " + authorizer->name + " did not authenticate the client");
        co_return grant(*authorizer, *answer, facts);
    }

  private:
    /// The authorizer that is meant, its members filled into `credentials`.
    Result<CustomAuthorizer> choose(CustomCredentials& credentials) const {
        const auto state = deps_.access.state();
        if (credentials.authorizer_name.empty()) credentials.authorizer_name = given(credentials, name_key);
        const std::string& name = credentials.authorizer_name.empty() ? state->default_authorizer : credentials.authorizer_name;
        if (name.empty()) return refused("no authorizer is named and there is no default authorizer");
        const auto found = state->authorizers.find(name);
        if (found == state->authorizers.end()) return refused("there is no authorizer " + name);
        if (!found->second.active) return refused("authorizer " + name + " is INACTIVE");
        const CustomAuthorizer& one = found->second;
        if (credentials.token.empty() && !one.token_key_name.empty()) credentials.token = given(credentials, one.token_key_name);
        if (credentials.token_signature.empty()) credentials.token_signature = given(credentials, signature_key);
        return one;
    }

    boost::asio::awaitable<Result<AuthorizerAnswer>> ask(const CustomAuthorizer& authorizer, CustomCredentials credentials) {
        const bool fits = token_signature_fits(authorizer, credentials.token, credentials.token_signature);
        // Before the function is called, so that nobody without a signed token can make it run.
        if (!authorizer.signing_disabled && !fits) co_return refused("the token's signature does not fit authorizer " + authorizer.name);
        const bool cacheable = authorizer.caching_for_http && !credentials.over_mqtt;
        const std::string key = cacheable ? cache_key(authorizer, credentials) : std::string();
        if (cacheable) {
            if (auto known = cached(key)) co_return std::move(*known);
        }
        std::string event = authorizer_event(credentials, fits, deps_.random.uuid());
        const auto payload = co_await call_in_time(deps_.functions, authorizer.function_arn, std::move(event));
        if (!payload) co_return payload.error();
        auto answer = read_authorizer_answer(*payload);
        if (answer && cacheable) remember(key, *answer);
        co_return answer;
    }

    Result<CustomGrant> grant(const CustomAuthorizer& authorizer, const AuthorizerAnswer& answer, const ConnectionFacts& facts) const {
        std::vector<policy::Policy> policies;
        for (std::size_t i = 0; i < answer.policy_documents.size(); ++i) {
            const std::string& text = answer.policy_documents[i];
            auto parsed = policy::Policy::parse("authorizer " + authorizer.name + " document " + std::to_string(i), text, text.size());
            if (!parsed) return parsed.error();
            policies.push_back(std::move(*parsed));
        }
        CustomGrant out;
        out.principal.kind = Principal::Kind::iam_user;
        out.principal.id = answer.principal_id;
        out.principal.arn = deps_.arns.iot("authorizer/" + authorizer.name + "/" + answer.principal_id);
        const KeyValues keys = connection_keys(facts, deps_.arns);
        out.permissions = std::make_unique<GrantedPermissions>(out.principal, std::move(policies), keys, deps_.arns);
        if (answer.disconnect_after_s) out.disconnect_after = std::chrono::seconds(*answer.disconnect_after_s);
        if (answer.refresh_after_s) out.refresh_after = std::chrono::seconds(*answer.refresh_after_s);
        return out;
    }

    /// Everything that the function would see, and the authorizer as it is now.
    static std::string cache_key(const CustomAuthorizer& authorizer, const CustomCredentials& credentials) {
        const std::string event = authorizer_event(credentials, true, {});
        return sha256(authorizer.name + "\n" + std::to_string(authorizer.modified_at.time_since_epoch().count()) + "\n" +
                      credentials.token_signature + "\n" + event);
    }

    std::optional<AuthorizerAnswer> cached(const std::string& key) const {
        const std::scoped_lock lock(mutex_);
        const auto found = cache_.find(key);
        if (found == cache_.end() || deps_.clock.steady() >= found->second.until) return std::nullopt;
        return found->second.answer;
    }

    void remember(const std::string& key, const AuthorizerAnswer& answer) {
        const auto now = deps_.clock.steady();
        const std::chrono::seconds life = answer.refresh_after_s ? std::chrono::seconds(*answer.refresh_after_s) : default_refresh;
        const std::scoped_lock lock(mutex_);
        if (cache_.size() >= cached_max) std::erase_if(cache_, [&](const auto& entry) { return entry.second.until <= now; });
        if (cache_.size() >= cached_max) cache_.clear();
        cache_[key] = Cached{answer, now + life};
    }

    struct Cached {
        AuthorizerAnswer answer;
        SteadyTime until{};
    };
    CustomAuthenticatorDependencies deps_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Cached> cache_;
};

}  // namespace

std::unique_ptr<CustomAuthenticator> make_custom_authenticator(CustomAuthenticatorDependencies dependencies) {
    return std::make_unique<FunctionAuthenticator>(std::move(dependencies));
}

}  // namespace fogbank::registry
