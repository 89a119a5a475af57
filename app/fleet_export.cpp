#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/fleet_files.h"
#include "common/common_errc.h"
#include "common/encoding.h"
#include "common/json.h"

namespace fogbank::app {
namespace {

using nlohmann::json;

/// A page of any list; also bounds how long one may go on.
constexpr std::size_t pages_max = 100'000;
constexpr std::size_t answer_bytes_max = 64 * 1024 * 1024;

Result<json> get(AwsClient& client, const char* method, const std::string& path, const std::string& query,
                 std::map<std::string, std::string> headers = {}) {
    auto answer = client.call("iot", method, path, query, "", std::move(headers));
    if (!answer) return answer.error();
    auto body = parse_json(answer->body, {answer_bytes_max, 64});
    if (answer->status != 200) {
        const std::string message = body && body->is_object() ? json_string(*body, "message") : answer->body.substr(0, 200);
        return Error(CommonErrc::invalid_configuration, std::string(method) + " " + path + ": " + message);
    }
    return body;
}

/// All pages of a list. `token_in` and `token_out` are the names of the page token in request and answer.
Result<json> list_all(AwsClient& client, const char* method, const std::string& path, const std::string& member, const std::string& size,
                      const std::string& token_in, const std::string& token_out) {
    json out = json::array();
    std::string token;
    for (std::size_t page = 0; page < pages_max; ++page) {
        // In the order of names, as SigV4 wants them.
        std::string query = size + "=250";
        if (!token.empty()) {
            const std::string more = token_in + "=" + percent_encode(token);
            query = token_in < size ? more + "&" + query : query + "&" + more;
        }
        auto answer = get(client, method, path, query);
        if (!answer) return answer.error();
        const auto items = answer->find(member);
        if (items != answer->end() && items->is_array()) out.insert(out.end(), items->begin(), items->end());
        token = json_string(*answer, token_out);
        if (token.empty()) return out;
    }
    return Error(CommonErrc::too_large, "the list " + path + " does not end");
}

Result<void> write(const std::filesystem::path& file, const json& content) {
    std::error_code failed;
    std::filesystem::create_directories(file.parent_path(), failed);
    std::ofstream out(file, std::ios::trunc);
    out << content.dump(4, ' ', false, json::error_handler_t::replace) << "\n";
    out.close();
    if (!out) return Error(CommonErrc::io_error, "cannot write `" + file.string() + "`");
    return {};
}

/// Names become file names; AWS's patterns leave nothing but these to be replaced.
std::string file_name(std::string name) {
    std::replace(name.begin(), name.end(), '/', '_');
    return name + ".json";
}

class Exporter {
  public:
    Exporter(AwsClient& client, std::filesystem::path folder) : client_(client), folder_(std::move(folder)) {}

    Result<FleetReport> run() {
        if (auto done = things(); !done) return done.error();
        if (auto done = certificates(); !done) return done.error();
        if (auto done = policies(); !done) return done.error();
        if (auto done = rules(); !done) return done.error();
        return std::move(report_);
    }

  private:
    Result<void> things() {
        auto all = list_all(client_, "GET", "/things", "things", "maxResults", "nextToken", "nextToken");
        if (!all) return all.error();
        if (auto done = write(folder_ / "things.json", {{"things", *all}}); !done) return done;
        for (const json& thing : *all) {
            const std::string name = json_string(thing, "thingName");
            auto principals = get(client_, "GET", "/things/" + percent_encode(name) + "/principals", "");
            if (!principals) return principals.error();
            if (auto done = write(folder_ / "thing-principals" / file_name(name), *principals); !done) return done;
            ++report_.things;
            report_.attachments += principals->value("principals", json::array()).size();
        }
        return {};
    }

    Result<void> certificates() {
        auto all = list_all(client_, "GET", "/certificates", "certificates", "pageSize", "marker", "nextMarker");
        if (!all) return all.error();
        for (const json& one : *all) {
            const std::string id = json_string(one, "certificateId");
            auto described = get(client_, "GET", "/certificates/" + id, "");
            if (!described) return described.error();
            if (auto done = write(folder_ / "certificates" / file_name(id), *described); !done) return done;
            ++report_.certificates;
        }
        return {};
    }

    Result<void> policies() {
        auto all = list_all(client_, "GET", "/policies", "policies", "pageSize", "marker", "nextMarker");
        if (!all) return all.error();
        for (const json& one : *all) {
            const std::string name = json_string(one, "policyName");
            auto policy = get(client_, "GET", "/policies/" + percent_encode(name), "");
            if (!policy) return policy.error();
            if (auto done = write(folder_ / "policies" / file_name(name), *policy); !done) return done;
            auto targets =
                list_all(client_, "POST", "/policy-targets/" + percent_encode(name), "targets", "pageSize", "marker", "nextMarker");
            if (!targets) return targets.error();
            if (auto done = write(folder_ / "policy-targets" / file_name(name), {{"targets", *targets}}); !done) return done;
            ++report_.policies;
            report_.attachments += targets->size();
        }
        return {};
    }

    Result<void> rules() {
        auto all = list_all(client_, "GET", "/rules", "rules", "maxResults", "nextToken", "nextToken");
        if (!all) return all.error();
        for (const json& one : *all) {
            const std::string name = json_string(one, "ruleName");
            auto rule = get(client_, "GET", "/rules/" + name, "");
            if (!rule) return rule.error();
            if (auto done = write(folder_ / "rules" / file_name(name), *rule); !done) return done;
            ++report_.rules;
        }
        return {};
    }

    AwsClient& client_;
    std::filesystem::path folder_;
    FleetReport report_;
};

}  // namespace

std::string FleetReport::text() const {
    std::string out;
    const auto line = [&](std::size_t count, const char* what) { out += std::to_string(count) + " " + what + "\n"; };
    line(things, "things");
    line(certificates, "certificates");
    line(policies, "policies");
    line(attachments, "attachments");
    line(rules, "rules");
    if (already_there > 0) line(already_there, "were there already and stay as they are");
    for (const std::string& failure : failures) out += "not done: " + failure + "\n";
    return out;
}

Result<FleetReport> export_fleet(AwsClient& client, const std::filesystem::path& folder) {
    return Exporter(client, folder).run();
}

}  // namespace fogbank::app
