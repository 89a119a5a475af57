#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "app/fleet_files.h"
#include "common/arn.h"
#include "common/common_errc.h"
#include "common/encoding.h"
#include "common/json.h"

namespace fogbank::app {
namespace {

using nlohmann::json;

constexpr std::size_t file_bytes_max = 1024 * 1024 * 1024;

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    if (from == to || from.empty()) return;
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
}

class Importer {
  public:
    Importer(AwsClient& client, const ImportOptions& options) : client_(client), options_(options) {}

    Result<FleetReport> run() {
        if (!std::filesystem::is_directory(options_.folder))
            return Error(CommonErrc::io_error, "`" + options_.folder.string() + "` is not a folder");
        if (auto all = read(options_.folder / "things.json")) import_things(*all);
        each("certificates", [this](const json& one) { import_certificate(one); });
        each("policies", [this](const json& one) { import_policy(one); });
        each("policy-targets", [this](const json& one) { import_targets(one); });
        each("thing-principals", [this](const json& one) { import_principals(one); });
        each("rules", [this](const json& one) { import_rule(one); });
        return std::move(report_);
    }

  private:
    std::optional<json> read(const std::filesystem::path& file) {
        std::ifstream in(file);
        if (!in) return std::nullopt;
        std::stringstream text;
        text << in.rdbuf();
        auto parsed = parse_json(text.str(), {file_bytes_max, 64});
        if (parsed && parsed->is_object()) return std::move(*parsed);
        report_.failures.push_back(file.string() + ": " + (parsed ? "not a JSON object" : parsed.error().message));
        return std::nullopt;
    }

    template <class Take>
    void each(const char* part, Take take) {
        std::error_code failed;
        std::set<std::filesystem::path> files;  // in the order of names, so that two runs do the same
        for (const auto& entry : std::filesystem::directory_iterator(options_.folder / part, failed)) {
            if (entry.path().extension() == ".json") files.insert(entry.path());
        }
        for (const auto& file : files) {
            name_ = file.stem().string();
            if (auto content = read(file)) take(*content);
        }
    }

    /// @return whether it was made; what is there already is counted, what fails is reported.
    bool call(const char* method, const std::string& path, const std::string& query, const json& body, const std::string& what,
              std::map<std::string, std::string> headers = {}) {
        const std::string text = body.is_null() ? std::string() : body.dump(-1, ' ', false, json::error_handler_t::replace);
        const auto answer = client_.call("iot", method, path, query, text, std::move(headers));
        if (answer && answer->status == 200) return true;
        if (answer && answer->status == 409) {
            ++report_.already_there;
            return false;
        }
        std::string reason = answer ? answer->body.substr(0, 300) : answer.error().message;
        if (answer) {
            if (const auto parsed = parse_json(answer->body); parsed && parsed->is_object())
                reason = json_string(*parsed, "message", reason);
        }
        report_.failures.push_back(what + ": " + reason);
        return false;
    }

    void import_things(const json& all) {
        const auto things = all.find("things");
        if (things == all.end() || !things->is_array()) return;
        for (const json& thing : *things) {
            if (!thing.is_object()) continue;
            const std::string name = json_string(thing, "thingName"), type = json_string(thing, "thingTypeName");
            if (!type.empty() && types_.insert(type).second && !exists("/thing-types/" + percent_encode(type)))
                call("POST", "/thing-types/" + percent_encode(type), "", json::object(), "thing type " + type);
            json body{{"attributePayload", {{"attributes", thing.value("attributes", json::object())}}}};
            if (!type.empty()) body["thingTypeName"] = type;
            if (call("POST", "/things/" + percent_encode(name), "", body, "thing " + name)) ++report_.things;
        }
    }

    bool exists(const std::string& path) {
        const auto answer = client_.call("iot", "GET", path, "", "");
        return answer && answer->status == 200;
    }

    void import_certificate(const json& one) {
        const json description = one.value("certificateDescription", json::object());
        std::string status = json_string(description, "status");
        const bool pending = status != "ACTIVE" && status != "INACTIVE" && status != "REVOKED";
        if (pending) status = "INACTIVE";
        const json body{{"certificatePem", json_string(description, "certificatePem")}, {"status", status}};
        if (call("POST", "/certificate/register-no-ca", "", body, "certificate " + name_)) ++report_.certificates;
    }

    /// ARNs of the account and region that `sample` is of, rewritten to this server's.
    std::string rewritten(std::string text, const std::string& sample) const {
        const auto arn = Arn::parse(sample);
        if (!arn) return text;
        replace_all(text, ":" + arn->region + ":" + arn->account + ":", ":" + options_.region + ":" + options_.account + ":");
        return text;
    }
    std::string local_arn(const std::string& text) const { return rewritten(text, text); }

    void import_policy(const json& one) {
        const std::string name = json_string(one, "policyName", name_);
        const json body{{"policyDocument", rewritten(json_string(one, "policyDocument"), json_string(one, "policyArn"))}};
        if (call("POST", "/policies/" + percent_encode(name), "", body, "policy " + name)) ++report_.policies;
    }

    void import_targets(const json& one) {
        for (const json& target : one.value("targets", json::array())) {
            if (!target.is_string()) continue;
            const json body{{"target", local_arn(target.get<std::string>())}};
            if (call("PUT", "/target-policies/" + percent_encode(name_), "", body, "policy " + name_ + " on " + target.get<std::string>()))
                ++report_.attachments;
        }
    }

    void import_principals(const json& one) {
        for (const json& principal : one.value("principals", json::array())) {
            if (!principal.is_string()) continue;
            std::map<std::string, std::string> headers{{"x-amzn-principal", local_arn(principal.get<std::string>())}};
            if (call("PUT", "/things/" + percent_encode(name_) + "/principals", "", nullptr,
                     "thing " + name_ + " and " + principal.get<std::string>(), std::move(headers)))
                ++report_.attachments;
        }
    }

    void import_rule(const json& one) {
        json rule = one.value("rule", json::object());
        const std::string name = json_string(rule, "ruleName", name_), sample = json_string(one, "ruleArn");
        rule.erase("ruleName");
        rule.erase("createdAt");
        const json body = json::parse(rewritten(rule.dump(-1, ' ', false, json::error_handler_t::replace), sample));
        if (call("POST", "/rules/" + percent_encode(name), "", body, "rule " + name)) ++report_.rules;
    }

    AwsClient& client_;
    const ImportOptions& options_;
    FleetReport report_;
    std::string name_;  ///< of the file that is being read
    std::set<std::string> types_;
};

}  // namespace

Result<FleetReport> import_fleet(AwsClient& client, const ImportOptions& options) {
    return Importer(client, options).run();
}

}  // namespace fogbank::app
