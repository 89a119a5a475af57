#include "registry/device_access.h"

#include <nlohmann/json.hpp>

#include "registry/detail/state_store.h"
#include "store/kv/key.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;
using store::kv::KeyBuilder;
using store::kv::KeyReader;
using Store = StateStore<DeviceAccessState>;
using Texts = std::map<std::string, std::string>;

constexpr int format_version = 1;

store::kv::Range entities() {
    return KeyBuilder("reg").text("access").prefix_range();
}
std::string key(std::string_view kind, std::string_view name) {
    return KeyBuilder("reg").text("access").text(kind).text(name).str();
}

std::int64_t ms(WallTime at) {
    return at.time_since_epoch().count();
}
WallTime time_at(const json& value, const char* member) {
    return WallTime(std::chrono::milliseconds(value.at(member).get<std::int64_t>()));
}
std::string text_at(const json& value, const char* member) {
    return value.at(member).get<std::string>();
}

json record(const CaCertificate& ca) {
    return {{"pem", ca.pem},
            {"mode", ca.mode},
            {"generation", ca.generation_id},
            {"active", ca.active},
            {"auto", ca.auto_registration},
            {"template_body", ca.registration.template_body},
            {"role", ca.registration.role_arn},
            {"template_name", ca.registration.template_name},
            {"customer_version", ca.customer_version},
            {"not_before", ms(ca.not_before)},
            {"not_after", ms(ca.not_after)}};
}
void read(const json& value, CaCertificate& out) {
    out.pem = text_at(value, "pem");
    out.mode = text_at(value, "mode");
    out.generation_id = text_at(value, "generation");
    out.active = value.at("active").get<bool>();
    out.auto_registration = value.at("auto").get<bool>();
    out.registration.template_body = text_at(value, "template_body");
    out.registration.role_arn = text_at(value, "role");
    out.registration.template_name = text_at(value, "template_name");
    out.customer_version = value.at("customer_version").get<std::int64_t>();
    out.not_before = time_at(value, "not_before");
    out.not_after = time_at(value, "not_after");
}

json record(const ProvisioningTemplate& one) {
    json versions = json::array();
    for (const auto& [number, version] : one.versions) {
        versions.push_back({{"number", number}, {"body", version.body}, {"created", ms(version.created_at)}});
    }
    return {{"description", one.description}, {"type", one.type},
            {"role", one.role_arn},           {"hook_version", one.hook_payload_version},
            {"hook", one.hook_function_arn},  {"enabled", one.enabled},
            {"default", one.default_version}, {"next", one.next_version},
            {"versions", std::move(versions)}};
}
void read(const json& value, ProvisioningTemplate& out) {
    out.description = text_at(value, "description");
    out.type = text_at(value, "type");
    out.role_arn = text_at(value, "role");
    out.hook_payload_version = text_at(value, "hook_version");
    out.hook_function_arn = text_at(value, "hook");
    out.enabled = value.at("enabled").get<bool>();
    out.default_version = value.at("default").get<std::int64_t>();
    out.next_version = value.at("next").get<std::int64_t>();
    for (const json& one : value.at("versions")) {
        TemplateVersion version;
        version.body = text_at(one, "body");
        version.created_at = time_at(one, "created");
        out.versions.emplace(one.at("number").get<std::int64_t>(), std::move(version));
    }
}

json record(const RoleAlias& one) {
    return {{"role", one.role_arn}, {"duration_s", one.duration_s}};
}
void read(const json& value, RoleAlias& out) {
    out.role_arn = text_at(value, "role");
    out.duration_s = value.at("duration_s").get<std::int64_t>();
}

json record(const CustomAuthorizer& one) {
    return {{"function", one.function_arn}, {"token_key", one.token_key_name},          {"keys", one.signing_keys},
            {"active", one.active},         {"signing_disabled", one.signing_disabled}, {"caching", one.caching_for_http}};
}
void read(const json& value, CustomAuthorizer& out) {
    out.function_arn = text_at(value, "function");
    out.token_key_name = text_at(value, "token_key");
    out.signing_keys = value.at("keys").get<Texts>();
    out.active = value.at("active").get<bool>();
    out.signing_disabled = value.at("signing_disabled").get<bool>();
    out.caching_for_http = value.at("caching").get<bool>();
}

template <class Entity>
void add(std::string_view kind, const std::map<std::string, Entity>& all, Store::Records& out) {
    for (const auto& [name, one] : all) {
        json value = record(one);
        value["v"] = format_version;
        value["created"] = ms(one.created_at);
        value["modified"] = ms(one.modified_at);
        out[key(kind, name)] = value.dump(-1, ' ', false, json::error_handler_t::replace);
    }
}

Store::Records encode(const DeviceAccessState& state) {
    Store::Records out;
    add("ca", state.cas, out);
    add("template", state.templates, out);
    add("role-alias", state.role_aliases, out);
    add("authorizer", state.authorizers, out);
    const auto single = [&](const char* name, const std::string& value) {
        if (!value.empty()) out[key("value", name)] = json{{"v", format_version}, {"value", value}}.dump();
    };
    single("default-authorizer", state.default_authorizer);
    single("registration-code", state.registration_code);
    return out;
}

template <class Entity>
void take(const std::string& name, const json& value, std::map<std::string, Entity>& all) {
    Entity one;
    if constexpr (requires { one.name; }) {
        one.name = name;
    } else {
        one.id = name;
    }
    one.created_at = time_at(value, "created");
    one.modified_at = time_at(value, "modified");
    read(value, one);
    all.emplace(name, std::move(one));
}

void take_record(const std::string& kind, const std::string& name, const json& value, DeviceAccessState& out) {
    if (kind == "ca") take(name, value, out.cas);
    if (kind == "template") take(name, value, out.templates);
    if (kind == "role-alias") take(name, value, out.role_aliases);
    if (kind == "authorizer") take(name, value, out.authorizers);
    if (kind == "value") (name == "default-authorizer" ? out.default_authorizer : out.registration_code) = text_at(value, "value");
}

Result<DeviceAccessState> decode(const std::vector<store::kv::KeyValue>& records) {
    DeviceAccessState out;
    const std::size_t prefix = entities().begin.size();
    for (const store::kv::KeyValue& item : records) {
        KeyReader reader(item.key);
        reader.skip(prefix);
        const std::string kind = reader.text().value_or("");
        const std::string name = reader.text().value_or("");
        try {
            const json value = json::parse(item.value);
            if (value.at("v").get<int>() == format_version) {
                take_record(kind, name, value, out);
                continue;
            }
        } catch (const json::exception&) {
            // falls through: damaged bytes and a record of a later version are the same to the caller
        }
        return Error(Errc::store_unavailable, "the stored " + kind + " `" + name + "` cannot be read");
    }
    return out;
}

class DeviceAccessImpl final : public DeviceAccess {
  public:
    explicit DeviceAccessImpl(store::kv::Engine& engine) : store_(engine, entities(), encode, decode) {}
    boost::asio::awaitable<Result<void>> load() { return store_.load(); }
    std::shared_ptr<const DeviceAccessState> state() const override { return store_.state(); }
    boost::asio::awaitable<Result<void>> change(UniqueFunction<Result<void>(DeviceAccessState&)> edit) override {
        return store_.change(std::move(edit));
    }

  private:
    Store store_;
};

}  // namespace

boost::asio::awaitable<Result<std::unique_ptr<DeviceAccess>>> DeviceAccess::open(store::kv::Engine& engine) {
    auto out = std::make_unique<DeviceAccessImpl>(engine);
    const Result<void> loaded = co_await out->load();
    if (!loaded) co_return loaded.error();
    co_return std::unique_ptr<DeviceAccess>(std::move(out));
}

}  // namespace fogbank::registry
