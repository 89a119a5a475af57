#include "registry/detail/iam_records.h"

#include <nlohmann/json.hpp>

#include "store/kv/key.h"

namespace fogbank::registry {
namespace {

using nlohmann::json;
using store::kv::KeyBuilder;
using store::kv::KeyReader;

constexpr int format_version = 1;
using Texts = std::map<std::string, std::string>;

std::string key(std::string_view kind, std::string_view name) {
    return KeyBuilder("iam").text("entity").text(kind).text(name).str();
}

std::int64_t ms(WallTime at) {
    return at.time_since_epoch().count();
}
WallTime time_at(const json& value, const char* member) {
    return WallTime(std::chrono::milliseconds(value.at(member).get<std::int64_t>()));
}

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json identity(const IamIdentity& one) {
    return {{"v", format_version},
            {"path", one.path},
            {"id", one.id},
            {"created", ms(one.created_at)},
            {"inline", one.inline_policies},
            {"attached", one.attached_policies},
            {"tags", one.tags}};
}

void read_identity(const json& value, IamIdentity& out) {
    out.path = value.at("path").get<std::string>();
    out.id = value.at("id").get<std::string>();
    out.created_at = time_at(value, "created");
    out.inline_policies = value.at("inline").get<Texts>();
    out.attached_policies = value.at("attached").get<std::vector<std::string>>();
    out.tags = value.at("tags").get<Texts>();
}

json policy(const IamPolicy& one) {
    json versions = json::array();
    for (const auto& [number, version] : one.versions) {
        versions.push_back({{"number", number}, {"document", version.document}, {"created", ms(version.created_at)}});
    }
    return {{"v", format_version},
            {"path", one.path},
            {"id", one.id},
            {"description", one.description},
            {"created", ms(one.created_at)},
            {"updated", ms(one.updated_at)},
            {"default", one.default_version},
            {"next", one.next_version},
            {"versions", std::move(versions)},
            {"tags", one.tags}};
}

IamPolicy read_policy(const json& value) {
    IamPolicy out;
    out.path = value.at("path").get<std::string>();
    out.id = value.at("id").get<std::string>();
    out.description = value.at("description").get<std::string>();
    out.created_at = time_at(value, "created");
    out.updated_at = time_at(value, "updated");
    out.default_version = value.at("default").get<std::uint64_t>();
    out.next_version = value.at("next").get<std::uint64_t>();
    out.tags = value.at("tags").get<Texts>();
    for (const json& one : value.at("versions")) {
        IamPolicyVersion version;
        version.document = one.at("document").get<std::string>();
        version.created_at = time_at(one, "created");
        out.versions.emplace(one.at("number").get<std::uint64_t>(), std::move(version));
    }
    return out;
}

void read_record(const std::string& kind, const std::string& name, const json& value, IamState& out) {
    if (kind == "user") {
        IamUser& user = out.users[name];
        user.name = name;
        read_identity(value, user);
    } else if (kind == "role") {
        IamRole& role = out.roles[name];
        role.name = name;
        read_identity(value, role);
        role.trust_policy = value.at("trust").get<std::string>();
        role.description = value.at("description").get<std::string>();
        role.session_s_max = value.at("session_s_max").get<std::int64_t>();
    } else if (kind == "policy") {
        IamPolicy one = read_policy(value);
        one.name = name;
        out.policies.insert_or_assign(name, std::move(one));
    } else if (kind == "key") {
        IamAccessKey& one = out.access_keys[name];
        one.id = name;
        one.secret = value.at("secret").get<std::string>();
        one.user_name = value.at("user").get<std::string>();
        one.active = value.at("active").get<bool>();
        one.created_at = time_at(value, "created");
    }
}

}  // namespace

store::kv::Range iam_entities() {
    return KeyBuilder("iam").text("entity").prefix_range();
}

std::string iam_session_key() {
    return KeyBuilder("iam").text("session-key").str();
}

IamRecords encode_state(const IamState& state) {
    IamRecords out;
    for (const auto& [name, user] : state.users) out[key("user", name)] = dump(identity(user));
    for (const auto& [name, role] : state.roles) {
        json value = identity(role);
        value["trust"] = role.trust_policy;
        value["description"] = role.description;
        value["session_s_max"] = role.session_s_max;
        out[key("role", name)] = dump(value);
    }
    for (const auto& [name, one] : state.policies) out[key("policy", name)] = dump(policy(one));
    for (const auto& [id, one] : state.access_keys) {
        out[key("key", id)] = dump({{"v", format_version},
                                    {"secret", one.secret},
                                    {"user", one.user_name},
                                    {"active", one.active},
                                    {"created", ms(one.created_at)}});
    }
    return out;
}

Result<IamState> decode_state(const std::vector<store::kv::KeyValue>& records) {
    IamState out;
    const std::size_t prefix = iam_entities().begin.size();
    for (const store::kv::KeyValue& record : records) {
        KeyReader reader(record.key);
        reader.skip(prefix);
        const std::string kind = reader.text().value_or("");
        const std::string name = reader.text().value_or("");
        try {
            const json value = json::parse(record.value);
            if (value.at("v").get<int>() == format_version) {
                read_record(kind, name, value, out);
                continue;
            }
        } catch (const json::exception&) {
            // falls through: damaged bytes and a record of a later version are the same to the caller
        }
        return Error(Errc::store_unavailable, "the stored " + kind + " `" + name + "` cannot be read");
    }
    return out;
}

}  // namespace fogbank::registry
