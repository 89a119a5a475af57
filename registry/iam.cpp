#include "registry/iam.h"

#include <mutex>
#include <unordered_map>

#include "registry/detail/caller_access.h"
#include "registry/detail/iam_records.h"
#include "registry/detail/impl.h"
#include "registry/detail/root_key.h"
#include "registry/detail/session_token.h"
#include "registry/detail/state_store.h"
#include "registry/detail/trust_policy.h"

namespace fogbank::registry {
namespace {

/// AWS's ids are base 32. Its secrets are base 64; `+` and `/` are left out because they break in shells and URLs.
constexpr std::string_view id_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view secret_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t id_random_characters = 16, secret_characters = 40;
/// By their text; kept from one state to the next.
using ParsedPolicies = std::map<std::string, policy::Policy, std::less<>>;

/// The state with every document parsed. Immutable but for what is remembered of it.
struct Snapshot {
    std::shared_ptr<const IamState> state;
    ParsedPolicies parsed;
    using Grants = std::unordered_map<std::string, std::shared_ptr<const CallerGrants>>;
    mutable std::mutex mutex;  ///< guards what follows; made when first asked for
    mutable Grants grants_of_users;
    mutable Grants grants_of_sessions;  ///< emptied at `sessions_max`
    static constexpr std::size_t sessions_max = 1024;
};

void parse_into(const std::string& name, const std::string& document, const Snapshot* last, ParsedPolicies& out) {
    if (out.contains(document)) return;
    if (last != nullptr) {
        if (const auto found = last->parsed.find(document); found != last->parsed.end()) {
            out.emplace(document, found->second);
            return;
        }
    }
    if (auto parsed = policy::Policy::parse(name, document, document.size())) out.emplace(document, std::move(*parsed));
}

std::shared_ptr<const Snapshot> make_snapshot(IamState state, const Snapshot* last) {
    auto out = std::make_shared<Snapshot>();
    const auto inline_of = [&](const IamIdentity& one) {
        for (const auto& [name, document] : one.inline_policies) parse_into(name, document, last, out->parsed);
        for (const std::string& arn : one.attached_policies) {
            if (const ManagedPolicy* managed = managed_policy(arn))
                parse_into(std::string(managed->name), std::string(managed->document), last, out->parsed);
        }
    };
    for (const auto& [name, user] : state.users) inline_of(user);
    for (const auto& [name, role] : state.roles) inline_of(role);
    for (const auto& [name, one] : state.policies) {
        const auto version = one.versions.find(one.default_version);
        if (version != one.versions.end()) parse_into(name, version->second.document, last, out->parsed);
    }
    out->state = std::make_shared<const IamState>(std::move(state));
    return out;
}

struct Opened {
    RootKey root;
    std::string session_key;
    std::vector<store::kv::KeyValue> records;
};

class IamImpl final : public Iam {
  public:
    IamImpl(store::kv::Engine& engine, const Clock& clock, RandomSource& random, ArnFactory arns)
        : Iam(std::move(arns)), engine_(engine), clock_(clock), random_(random) {}

    boost::asio::awaitable<Result<void>> load();
    boost::asio::awaitable<Result<void>> reload();

    std::optional<AccessKey> find(std::string_view access_key_id) const override;
    Result<AccessKey> find_session(std::string_view access_key_id, std::string_view session_token) const override;
    AccessKey root() const override { return root_; }

    std::shared_ptr<const IamState> state() const override { return snapshot()->state; }
    boost::asio::awaitable<Result<void>> change(UniqueFunction<Result<void>(IamState&)> edit) override;

    TemporaryCredentials issue(const SessionRequest& request) const override;
    Principal session_principal(const SessionRequest& request) const override;
    Trust trusts(const IamRole& role, const TrustQuestion& question) const override {
        return judge_trust(role.trust_policy, question, arns_);
    }
    std::optional<std::shared_ptr<const CallerGrants>> grants_of(const Principal& principal) const override;

    boost::asio::awaitable<Result<TemporaryCredentials>> role_credentials(std::string role_arn, std::string session_name,
                                                                          std::chrono::seconds duration) override;
    Result<std::shared_ptr<const CallerAccess>> role_access(const std::string& role_arn, const std::string& session_name) const override;

    std::string new_id(std::string_view prefix) const override {
        return std::string(prefix) + random_.text(id_random_characters, id_alphabet);
    }
    std::string new_secret() const override { return random_.text(secret_characters, secret_alphabet); }

  private:
    std::shared_ptr<const Snapshot> snapshot() const {
        const std::scoped_lock lock(mutex_);
        return snapshot_;
    }
    std::vector<policy::Policy> policies_of(const Snapshot& snapshot, const IamIdentity& one) const;
    std::shared_ptr<const CallerGrants> user_grants(const Snapshot& snapshot, const IamUser& user) const;
    Result<AccessKey> session_key_of(const Session& session) const;
    /// Root for a session of root without a session policy. Errors: unknown_access_key when user or role is gone.
    Result<std::shared_ptr<const CallerGrants>> session_grants(const Session& session) const;
    Result<std::shared_ptr<const CallerGrants>> make_session_grants(const Snapshot& now, const Session& session) const;
    void remember_narrowed(const AccessKey& key, WallTime expires_at) const;

    store::kv::Engine& engine_;
    const Clock& clock_;
    RandomSource& random_;
    AccessKey root_;
    std::string session_key_;
    mutable std::mutex mutex_;
    std::shared_ptr<const Snapshot> snapshot_;
    std::uint64_t installed_ = 0, tickets_ = 0;

    /// Sessions that a session policy or keys of their own narrow, by principal ARN and id, for grants_of. Bounded by their life: expired
    /// ones go whenever the map has doubled.
    struct Narrowed {
        std::shared_ptr<const CallerGrants> grants;
        WallTime expires_at{};
    };
    mutable std::map<std::string, Narrowed> narrowed_;
    mutable std::size_t sweep_at_ = 256;
};

std::vector<policy::Policy> IamImpl::policies_of(const Snapshot& snapshot, const IamIdentity& one) const {
    std::vector<policy::Policy> out;
    const auto add = [&](std::string_view document) {
        if (const auto found = snapshot.parsed.find(document); found != snapshot.parsed.end()) out.push_back(found->second);
    };
    for (const auto& [name, document] : one.inline_policies) add(document);
    for (const std::string& arn : one.attached_policies) {
        if (const ManagedPolicy* managed = managed_policy(arn)) add(managed->document);
        const auto found = snapshot.state->policies.find(arn.substr(arn.rfind('/') + 1));
        if (found == snapshot.state->policies.end() || policy_arn(found->second) != arn) continue;
        const auto version = found->second.versions.find(found->second.default_version);
        if (version != found->second.versions.end()) add(version->second.document);
    }
    return out;
}

std::shared_ptr<const CallerGrants> IamImpl::user_grants(const Snapshot& snapshot, const IamUser& user) const {
    const std::scoped_lock lock(snapshot.mutex);
    auto& kept = snapshot.grants_of_users[user.name];
    if (kept) return kept;
    IdentityPolicies given;
    given.principal_arn = user_arn(user);
    given.policies = policies_of(snapshot, user);
    given.keys.set("aws:username", {user.name});
    given.keys.set("aws:userid", {user.id});
    given.keys.set("aws:PrincipalArn", {given.principal_arn});
    given.keys.set("aws:PrincipalAccount", {arns_.account().str()});
    given.keys.set("aws:PrincipalType", {"User"});
    for (const auto& [name, value] : user.tags) given.keys.set("aws:PrincipalTag/" + name, {value});
    kept = std::make_shared<IdentityGrants>(std::move(given));
    return kept;
}

std::optional<AccessKey> IamImpl::find(std::string_view access_key_id) const {
    if (access_key_id == root_.access_key_id) return root_;
    const auto now = snapshot();
    const auto found = now->state->access_keys.find(std::string(access_key_id));
    if (found == now->state->access_keys.end() || !found->second.active) return std::nullopt;
    const auto user = now->state->users.find(found->second.user_name);
    if (user == now->state->users.end()) return std::nullopt;
    AccessKey out;
    out.access_key_id = found->second.id;
    out.secret_access_key = found->second.secret;
    out.principal.kind = Principal::Kind::iam_user;
    out.principal.id = user->second.id;
    out.principal.arn = user_arn(user->second);
    out.grants = user_grants(*now, user->second);
    return out;
}

Result<std::shared_ptr<const CallerGrants>> IamImpl::session_grants(const Session& session) const {
    const auto now = snapshot();
    // A session that was issued is named by its key, which nobody else has; one that acts inside the server by its role and name.
    const SessionRequest& request = session.request;
    const std::string unissued = request.role_arn + (request.unmanaged ? " unmanaged " : " ") + request.session_name;
    const std::string& name = session.access_key_id.empty() ? unissued : session.access_key_id;
    {
        const std::scoped_lock lock(now->mutex);
        if (const auto found = now->grants_of_sessions.find(name); found != now->grants_of_sessions.end()) return found->second;
    }
    auto made = make_session_grants(*now, session);
    if (!made) return made;
    const std::scoped_lock lock(now->mutex);
    if (now->grants_of_sessions.size() >= Snapshot::sessions_max) now->grants_of_sessions.clear();
    now->grants_of_sessions.emplace(name, *made);
    return made;
}

Result<std::shared_ptr<const CallerGrants>> IamImpl::make_session_grants(const Snapshot& now, const Session& session) const {
    const SessionRequest& request = session.request;
    const auto gone = [] { return Error(Errc::unknown_access_key, "The security token included in the request is invalid."); };
    IdentityPolicies given;
    const Principal principal = session_principal(request);
    given.principal_arn = principal.arn;
    if (!request.role_arn.empty()) {
        const auto role = now.state->roles.find(request.role_name);
        const bool exists = role != now.state->roles.end() && role_arn(role->second) == request.role_arn;
        if (!exists && !request.unmanaged) return gone();
        if (!exists && request.session_policy.empty()) return std::shared_ptr<const CallerGrants>();
        if (exists) {
            given.policies = policies_of(now, role->second);
            for (const auto& [name, value] : role->second.tags) given.keys.set("aws:PrincipalTag/" + name, {value});
        }
        given.keys.set("aws:PrincipalArn", {request.role_arn});
        given.keys.set("aws:PrincipalType", {"AssumedRole"});
    } else if (!request.user_name.empty()) {
        const auto user = now.state->users.find(request.user_name);
        if (user == now.state->users.end()) return gone();
        return user_grants(now, user->second);
    } else {
        return std::shared_ptr<const CallerGrants>();
    }
    if (!request.session_policy.empty()) {
        auto parsed = policy::Policy::parse("session policy", request.session_policy, request.session_policy.size());
        if (!parsed) return gone();
        given.session_policies.emplace().push_back(std::move(*parsed));
    }
    given.keys.set("aws:userid", {principal.id});
    given.keys.set("aws:PrincipalAccount", {arns_.account().str()});
    for (const auto& [key, value] : request.condition_keys) given.keys.set(key, {value});
    return std::shared_ptr<const CallerGrants>(std::make_shared<IdentityGrants>(std::move(given)));
}

Result<AccessKey> IamImpl::session_key_of(const Session& session) const {
    auto grants = session_grants(session);
    if (!grants) return grants.error();
    AccessKey out;
    out.access_key_id = session.access_key_id;
    out.secret_access_key = session.secret_access_key;
    out.principal = session_principal(session.request);
    out.grants = std::move(*grants);
    if (!session.request.session_policy.empty() || !session.request.condition_keys.empty()) remember_narrowed(out, session.expires_at);
    return out;
}

Result<AccessKey> IamImpl::find_session(std::string_view access_key_id, std::string_view session_token) const {
    auto session = open_session(session_token, session_key_);
    if (!session) return session.error();
    if (session->access_key_id != access_key_id)
        return Error(Errc::unknown_access_key, "The security token included in the request is invalid.");
    if (clock_.now() >= session->expires_at) return Error(Errc::session_expired, "The security token included in the request is expired");
    return session_key_of(*session);
}

void IamImpl::remember_narrowed(const AccessKey& key, WallTime expires_at) const {
    const WallTime now = clock_.now();
    const std::scoped_lock lock(mutex_);
    if (narrowed_.size() > sweep_at_) {
        std::erase_if(narrowed_, [&](const auto& entry) { return entry.second.expires_at < now; });
        sweep_at_ = 2 * narrowed_.size() + 256;
    }
    narrowed_[key.principal.arn + " " + key.principal.id] = Narrowed{key.grants, expires_at};
}

std::optional<std::shared_ptr<const CallerGrants>> IamImpl::grants_of(const Principal& principal) const {
    using Found = std::optional<std::shared_ptr<const CallerGrants>>;
    if (principal.arn == arns_.root_user()) return Found(std::shared_ptr<const CallerGrants>());
    {
        const std::scoped_lock lock(mutex_);
        const auto found = narrowed_.find(principal.arn + " " + principal.id);
        if (found != narrowed_.end()) return found->second.grants;
    }
    const auto now = snapshot();
    for (const auto& [name, user] : now->state->users) {
        if (user.id == principal.id && user_arn(user) == principal.arn) return Found(user_grants(*now, user));
    }
    Session session;
    const std::string prefix = "arn:aws:sts::" + arns_.account().str() + ":assumed-role/";
    if (!principal.arn.starts_with(prefix)) return std::nullopt;
    const std::string rest = principal.arn.substr(prefix.size());
    session.request.role_name = rest.substr(0, rest.find('/'));
    session.request.session_name = rest.substr(rest.find('/') + 1);
    const auto role = now->state->roles.find(session.request.role_name);
    session.request.unmanaged = role == now->state->roles.end() && principal.id.starts_with("AROAUNMANAGED");
    session.request.role_arn = role == now->state->roles.end() ? principal.arn : role_arn(role->second);
    auto grants = session_grants(session);
    if (!grants) return std::nullopt;
    return Found(std::move(*grants));
}

TemporaryCredentials IamImpl::issue(const SessionRequest& request) const {
    constexpr std::size_t nonce_bytes = 12;
    Session session;
    session.request = request;
    session.access_key_id = new_id("ASIA");
    session.secret_access_key = new_secret();
    session.issued_at = clock_.now();
    session.expires_at = session.issued_at + request.duration;
    std::string nonce(nonce_bytes, '\0');
    random_.fill({reinterpret_cast<std::uint8_t*>(nonce.data()), nonce.size()});
    TemporaryCredentials out;
    out.access_key_id = session.access_key_id;
    out.secret_access_key = session.secret_access_key;
    out.expires_at = session.expires_at;
    out.session_token = seal_session(session, session_key_, nonce);
    return out;
}

Principal IamImpl::session_principal(const SessionRequest& request) const {
    const auto now = snapshot();
    Principal out = root_.principal;
    if (!request.role_arn.empty()) {
        const auto role = now->state->roles.find(request.role_name);
        const bool exists = role != now->state->roles.end() && role_arn(role->second) == request.role_arn;
        out.id = (exists ? role->second.id : std::string("AROAUNMANAGED00000000")) + ":" + request.session_name;
        out.arn = "arn:aws:sts::" + arns_.account().str() + ":assumed-role/" + request.role_name + "/" + request.session_name;
    } else if (!request.user_name.empty()) {
        const auto user = now->state->users.find(request.user_name);
        if (user == now->state->users.end()) return out;
        out.id = user->second.id;
        out.arn = user_arn(user->second);
    }
    return out;
}

boost::asio::awaitable<Result<TemporaryCredentials>> IamImpl::role_credentials(std::string role_arn, std::string session_name,
                                                                               std::chrono::seconds duration) {
    SessionRequest request;
    request.role_name = role_arn.substr(role_arn.rfind('/') + 1);
    request.role_arn = std::move(role_arn);
    request.session_name = std::move(session_name);
    request.duration = duration;
    request.unmanaged = !state()->roles.contains(request.role_name);
    co_return issue(request);
}

Result<std::shared_ptr<const CallerAccess>> IamImpl::role_access(const std::string& role_arn, const std::string& session_name) const {
    Session session;
    session.request.role_name = role_arn.substr(role_arn.rfind('/') + 1);
    session.request.role_arn = role_arn;
    session.request.session_name = session_name;
    session.request.unmanaged = !state()->roles.contains(session.request.role_name);
    const auto grants = session_grants(session);
    if (!grants) return grants.error();
    if (!*grants) return std::shared_ptr<const CallerAccess>();
    CallerFacts facts;
    facts.region = arns_.region().str();
    facts.secure_transport = true;  // it never leaves the server
    facts.now = clock_.now();
    return std::shared_ptr<const CallerAccess>((*grants)->for_request(std::move(facts)));
}

boost::asio::awaitable<Result<void>> IamImpl::change(UniqueFunction<Result<void>(IamState&)> edit) {
    store::kv::TransactionBody body = [edit = std::move(edit)](Transaction& tx) mutable -> Result<void> {
        return edit_records<IamState>(tx, iam_entities(), encode_state, decode_state, edit);
    };
    const Result<void> done = co_await engine_.transact(std::move(body));
    if (!done) co_return store_error(done.error());
    co_return co_await reload();
}

boost::asio::awaitable<Result<void>> IamImpl::reload() {
    // Of two loads the one that began later wins: both read after their commits, so the newest state stays.
    std::uint64_t ticket = 0;
    {
        const std::scoped_lock lock(mutex_);
        ticket = ++tickets_;
    }
    store::kv::Range range = iam_entities();
    const auto records = co_await scan_all(engine_, std::move(range));
    if (!records) co_return records.error();
    auto newest = decode_state(*records);
    if (!newest) co_return newest.error();
    const auto last = snapshot();
    auto made = make_snapshot(std::move(*newest), last.get());
    const std::scoped_lock lock(mutex_);
    if (ticket < installed_) co_return Result<void>();
    installed_ = ticket;
    snapshot_ = std::move(made);
    co_return Result<void>();
}

boost::asio::awaitable<Result<void>> IamImpl::load() {
    const auto opened = std::make_shared<Opened>();
    const RootKey fresh{new_id("AKIA"), new_secret()};
    std::string fresh_key(session_key_bytes, '\0');
    random_.fill({reinterpret_cast<std::uint8_t*>(fresh_key.data()), fresh_key.size()});
    store::kv::TransactionBody body = [opened, fresh, fresh_key](Transaction& tx) -> Result<void> {
        auto root = root_key_in(tx, fresh);
        if (!root) return root.error();
        opened->root = std::move(*root);
        const auto key = tx.get(iam_session_key());
        if (!key) return key.error();
        opened->session_key = key->value_or(fresh_key);
        if (!*key) tx.put(iam_session_key(), fresh_key);
        auto records = scan_in(tx, iam_entities());
        if (!records) return records.error();
        opened->records = std::move(*records);
        return {};
    };
    const Result<void> done = co_await engine_.transact(std::move(body));
    if (!done) co_return store_error(done.error());
    if (opened->session_key.size() != session_key_bytes) co_return Error(Errc::store_unavailable, "the stored session key is damaged");
    auto state = decode_state(opened->records);
    if (!state) co_return state.error();
    snapshot_ = make_snapshot(std::move(*state), nullptr);
    session_key_ = opened->session_key;
    root_.access_key_id = opened->root.id;
    root_.secret_access_key = opened->root.secret;
    root_.principal.kind = Principal::Kind::iam_user;
    root_.principal.id = arns_.account().str();  // the root user's id is the account's
    root_.principal.arn = arns_.root_user();
    co_return Result<void>();
}

}  // namespace

std::string Iam::user_arn(const IamIdentity& user) const {
    return "arn:aws:iam::" + arns_.account().str() + ":user" + user.path + user.name;
}
std::string Iam::role_arn(const IamIdentity& role) const {
    return "arn:aws:iam::" + arns_.account().str() + ":role" + role.path + role.name;
}
std::string Iam::policy_arn(const IamPolicy& policy) const {
    return "arn:aws:iam::" + arns_.account().str() + ":policy" + policy.path + policy.name;
}

boost::asio::awaitable<Result<std::unique_ptr<Iam>>> Iam::open(store::kv::Engine& engine, const Clock& clock, RandomSource& random,
                                                               ArnFactory arns) {
    auto out = std::make_unique<IamImpl>(engine, clock, random, std::move(arns));
    const Result<void> loaded = co_await out->load();
    if (!loaded) co_return loaded.error();
    co_return std::unique_ptr<Iam>(std::move(out));
}

}  // namespace fogbank::registry
