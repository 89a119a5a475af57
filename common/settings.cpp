#include "common/settings.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/common_errc.h"

namespace fogbank {
namespace {

Error invalid(std::string message) {
    return {CommonErrc::invalid_configuration, std::move(message)};
}

Result<std::int64_t> integer(const std::string& text, std::int64_t least, std::int64_t most) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
        return invalid("`" + text + "` is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return value;
}

template <auto Member, std::int64_t Least>
Result<void> set_port(Settings& settings, const std::vector<std::string>& values) {
    const auto port = integer(values[0], Least, 65535);
    if (!port) return port.error();
    using Type = std::remove_reference_t<decltype(settings.*Member)>;
    settings.*Member = static_cast<Type>(*port);
    return {};
}
template <auto Member>
std::string get_number(const Settings& settings) {
    return std::to_string(settings.*Member);
}

Result<void> set_data(Settings& settings, const std::vector<std::string>& values) {
    if (values[0].empty()) return invalid("the data folder must have a name");
    settings.data = values[0];
    return {};
}

Result<void> set_bind(Settings& settings, const std::vector<std::string>& values) {
    if (values[0].empty()) return invalid("the address to listen on must not be empty");
    settings.bind = values[0];
    return {};
}

Result<void> set_account(Settings& settings, const std::vector<std::string>& values) {
    const std::string& text = values[0];
    if (text.size() != 12 || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        return invalid("`" + text + "` is not an account id of 12 digits");
    }
    settings.account = AccountId(text);
    return {};
}

Result<void> set_region(Settings& settings, const std::vector<std::string>& values) {
    const std::string& text = values[0];
    const bool plain =
        std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
    if (text.empty() || text.size() > 64 || !plain) return invalid("`" + text + "` is not a region name such as us-east-1");
    settings.region = Region(text);
    return {};
}

Result<void> set_endpoint_names(Settings& settings, const std::vector<std::string>& values) {
    for (const std::string& name : values) {
        const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' ||
                   c == '*' || c == '_';
        });
        if (name.empty() || name.size() > 253 || !plain) return invalid("`" + name + "` is neither a host name nor an address");
    }
    settings.endpoint_names = values;
    return {};
}

template <class Enum, std::size_t Count>
Result<void> set_choice(Enum& target, const std::string& text, const std::array<std::pair<std::string_view, Enum>, Count>& choices) {
    std::string known;
    for (const auto& [name, value] : choices) {
        if (name == text) {
            target = value;
            return {};
        }
        known += known.empty() ? "" : ", ";
        known += name;
    }
    return invalid("`" + text + "` is none of " + known);
}

template <class Enum, std::size_t Count>
std::string choice_name(Enum value, const std::array<std::pair<std::string_view, Enum>, Count>& choices) {
    for (const auto& [name, choice] : choices) {
        if (choice == value) return std::string(name);
    }
    return {};
}

constexpr std::array<std::pair<std::string_view, QuotaProfile>, 2> profiles{
    {{"aws", QuotaProfile::aws}, {"relaxed", QuotaProfile::relaxed}}};
constexpr std::array<std::pair<std::string_view, Durability>, 2> durabilities{
    {{"power-loss-safe", Durability::power_loss_safe}, {"process-crash-safe", Durability::process_crash_safe}}};

Result<void> set_tls_security_policy(Settings& settings, const std::vector<std::string>& values) {
    if (find_tls_policy(values[0]) == nullptr) {
        std::string known;
        for (const TlsPolicy& policy : tls_policies()) known += (known.empty() ? "" : ", ") + std::string(policy.name);
        return invalid("`" + values[0] + "` is none of " + known);
    }
    settings.tls_security_policy = values[0];
    return {};
}

template <auto Member>
Result<void> set_flag(Settings& settings, const std::vector<std::string>& values) {
    if (values[0] != "yes" && values[0] != "no") return invalid("`" + values[0] + "` is neither yes nor no");
    settings.*Member = values[0] == "yes";
    return {};
}
template <auto Member>
std::string get_flag(const Settings& settings) {
    return settings.*Member ? "yes" : "no";
}

Result<void> set_log_level(Settings& settings, const std::vector<std::string>& values) {
    constexpr std::array<std::string_view, 6> levels{"trace", "debug", "info", "warn", "error", "off"};
    if (std::find(levels.begin(), levels.end(), values[0]) == levels.end()) {
        return invalid("`" + values[0] + "` is none of trace, debug, info, warn, error, off");
    }
    settings.log_level = values[0];
    return {};
}

Result<void> set_shards(Settings& settings, const std::vector<std::string>& values) {
    const auto count = integer(values[0], 0, 256);
    if (!count) return count.error();
    settings.shards = static_cast<std::uint32_t>(*count);
    return {};
}

Result<void> set_lambda_concurrency(Settings& settings, const std::vector<std::string>& values) {
    const auto count = integer(values[0], 1, 1000);
    if (!count) return count.error();
    settings.lambda_concurrency = static_cast<std::uint32_t>(*count);
    return {};
}

std::string get_endpoint_names(const Settings& settings) {
    std::string out;
    for (const std::string& name : settings.endpoint_names) out += (out.empty() ? "" : ",") + name;
    return out;
}

template <auto Member>
Result<void> set_text(Settings& settings, const std::vector<std::string>& values) {
    settings.*Member = values[0];
    return {};
}
template <auto Member>
std::string get_text(const Settings& settings) {
    return settings.*Member;
}
template <auto Member>
Result<void> set_path(Settings& settings, const std::vector<std::string>& values) {
    settings.*Member = values[0];
    return {};
}
template <auto Member>
std::string get_path(const Settings& settings) {
    return (settings.*Member).string();
}

Result<void> set_sinks(Settings& settings, const std::vector<std::string>& values) {
    constexpr std::array<std::string_view, 8> services{"s3", "sqs", "sns", "kinesis", "firehose", "logs", "cloudwatch", "timestream"};
    for (const std::string& value : values) {
        const std::size_t equals = value.find('=');
        const std::string_view service = std::string_view(value).substr(0, equals);
        const std::string_view url = equals == std::string::npos ? std::string_view() : std::string_view(value).substr(equals + 1);
        if (std::find(services.begin(), services.end(), service) == services.end() ||
            !(url.starts_with("http://") || url.starts_with("https://"))) {
            return invalid("`" + value + "` is not <service>=<http or https URL>");
        }
    }
    settings.sinks = values;
    return {};
}
std::string get_sinks(const Settings& settings) {
    std::string out;
    for (const std::string& sink : settings.sinks) out += (out.empty() ? "" : ",") + sink;
    return out;
}

const std::array<SettingRow, 25> table{{
    {"data", "DIR", "Folder for everything that is kept; made if it is not there.", false, set_data,
     [](const Settings& s) { return s.data.string(); }},
    {"bind", "ADDRESS", "Address that all listeners but the plain MQTT one bind to.", false, set_bind,
     [](const Settings& s) { return s.bind; }},
    {"mqtts_port", "PORT", "MQTT over TLS with client certificates; 0 = any free port.", false, set_port<&Settings::mqtts_port, 0>,
     get_number<&Settings::mqtts_port>},
    {"alpn_port", "PORT", "The door that AWS has on 443: MQTT by ALPN, MQTT over WebSocket, HTTPS; 0 = any free port.", false,
     set_port<&Settings::alpn_port, 0>, get_number<&Settings::alpn_port>},
    {"https_port", "PORT", "HTTPS publish with client certificates; 0 = any free port.", false, set_port<&Settings::https_port, 0>,
     get_number<&Settings::https_port>},
    {"api_port", "PORT", "AWS APIs, HTTP and HTTPS on the same port; 0 = any free port.", false, set_port<&Settings::api_port, 0>,
     get_number<&Settings::api_port>},
    {"mqtt_port", "PORT", "Plain MQTT without authentication, on 127.0.0.1 only; 0 = any free port, -1 = off.", false,
     set_port<&Settings::mqtt_port, -1>, get_number<&Settings::mqtt_port>},
    {"account", "ID", "AWS account id in ARNs, 12 digits.", false, set_account, [](const Settings& s) { return s.account.str(); }},
    {"region", "NAME", "AWS region in ARNs and host names.", false, set_region, [](const Settings& s) { return s.region.str(); }},
    {"endpoint_name", "HOST",
     "Host name or address that devices use; goes into the server certificate. May be repeated; the first is what "
     "DescribeEndpoint answers.",
     true, set_endpoint_names, get_endpoint_names},
    {"tls_security_policy", "NAME",
     "TLS versions and ciphers of the MQTT ports, by AWS IoT's name, such as IoTSecurityPolicy_TLS13_1_2_2022_10.", false,
     set_tls_security_policy, [](const Settings& s) { return s.tls_security_policy; }},
    {"strict_sni", "YES/NO",
     "`yes`: a client that names another host than the server certificate (SNI) is refused, as AWS does; `no`: any name will do.", false,
     set_flag<&Settings::strict_sni>, get_flag<&Settings::strict_sni>},
    {"proxy_protocol", "YES/NO",
     "`yes`: connections on the MQTT ports begin with a PROXY protocol v2 header, and only a balancer can reach them.", false,
     set_flag<&Settings::proxy_protocol>, get_flag<&Settings::proxy_protocol>},
    {"quota_profile", "PROFILE", "`aws`: AWS's limits; `relaxed`: raised or lifted.", false,
     [](Settings& s, const std::vector<std::string>& v) { return set_choice(s.quota_profile, v[0], profiles); },
     [](const Settings& s) { return choice_name(s.quota_profile, profiles); }},
    {"durability", "MODE",
     "`power-loss-safe`: every commit is flushed to disk; `process-crash-safe`: survives kill -9 but not a power cut.", false,
     [](Settings& s, const std::vector<std::string>& v) { return set_choice(s.durability, v[0], durabilities); },
     [](const Settings& s) { return choice_name(s.durability, durabilities); }},
    {"shards", "COUNT", "Event loops, each on a thread of its own; 0 = one per core.", false, set_shards, get_number<&Settings::shards>},
    {"log_level", "LEVEL", "trace, debug, info, warn, error or off; logs go to stderr.", false, set_log_level,
     [](const Settings& s) { return s.log_level; }},
    {"secrets_file", "FILE", "Secrets for get_secret() in rules: a JSON object of secret id to text, or to an object.", false,
     set_path<&Settings::secrets_file>, get_path<&Settings::secrets_file>},
    {"sink", "SERVICE=URL",
     "Where rule actions send what this server does not have itself, in AWS's protocol: s3, sqs, sns, kinesis, firehose, logs, "
     "cloudwatch, timestream. May be repeated.",
     true, set_sinks, get_sinks},
    {"sink_region", "NAME", "Region that requests to sinks are signed for; empty = the server's.", false, set_text<&Settings::sink_region>,
     get_text<&Settings::sink_region>},
    {"sink_access_key_id", "ID", "Access key that requests to sinks are signed with; empty = not signed.", false,
     set_text<&Settings::sink_access_key_id>, get_text<&Settings::sink_access_key_id>},
    {"sink_secret_access_key", "SECRET", "The access key's secret.", false, set_text<&Settings::sink_secret_access_key>,
     [](const Settings&) { return std::string(); }},
    {"sink_ca_file", "FILE", "Certificates to trust besides the system's when rules call https targets.", false,
     set_path<&Settings::sink_ca_file>, get_path<&Settings::sink_ca_file>},
    {"lambda_concurrency", "COUNT", "Function invocations that run at the same time; more wait.", false, set_lambda_concurrency,
     get_number<&Settings::lambda_concurrency>},
    {"lambda_node_path", "DIRS",
     "Folders with packages for all Node.js functions (such as a node_modules with aws-sdk), separated by colons.", false,
     [](Settings& s, const std::vector<std::string>& v) -> Result<void> {
         s.lambda_node_path = v[0];
         return {};
     },
     [](const Settings& s) { return s.lambda_node_path; }},
}};

}  // namespace

std::span<const SettingRow> settings_table() {
    return table;
}

Result<void> set_setting(Settings& settings, std::string_view name, const std::vector<std::string>& values) {
    const auto row = std::find_if(table.begin(), table.end(), [&](const SettingRow& candidate) { return candidate.name == name; });
    if (row == table.end()) return invalid("unknown setting `" + std::string(name) + "`");
    if (values.empty() || (!row->repeated && values.size() > 1)) return invalid("setting `" + std::string(name) + "` takes one value");
    if (auto set = row->set(settings, values); !set) return in_context("setting `" + std::string(name) + "`", set.error());
    return {};
}

}  // namespace fogbank
