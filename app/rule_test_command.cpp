#include "app/rule_test_command.h"

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/encoding.h"
#include "rules/test_case.h"

namespace fogbank::app {
namespace {

/// One answer per line that is not blank.
ExitCode run_cases(std::istream& cases, const rules::TestSurroundings& surroundings) {
    bool good = true;
    std::string line;
    while (std::getline(cases, line)) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        const rules::TestAnswer answer = rules::run_test_case(line, surroundings);
        good = good && answer.well_formed;
        std::cout << answer.json << '\n';
    }
    std::cout.flush();
    return good && std::cout.good() ? ExitCode::ok : ExitCode::failed;
}

ExitCode run_file(const std::string& name, const rules::TestSurroundings& surroundings) {
    std::ios::sync_with_stdio(false);
    if (name == "-") return run_cases(std::cin, surroundings);
    std::ifstream file(name);
    if (!file) {
        std::cerr << "fogbank: cannot read `" << name << "`\n";
        return ExitCode::failed;
    }
    return run_cases(file, surroundings);
}

std::optional<std::string> payload_of(const RuleTestArguments& arguments) {
    if (arguments.payload_file.empty()) return arguments.payload;
    std::ifstream file(arguments.payload_file, std::ios::binary);
    if (!file) return std::nullopt;
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

ExitCode run_one(const RuleTestArguments& arguments, const rules::TestSurroundings& surroundings) {
    const auto payload = payload_of(arguments);
    if (!payload) {
        std::cerr << "fogbank: cannot read `" << arguments.payload_file << "`\n";
        return ExitCode::failed;
    }
    nlohmann::json test{{"payload", base64_encode(*payload)}, {"encoding", "base64"}};
    if (!arguments.text_template.empty()) {
        test["kind"] = "template";
        test["template"] = arguments.text_template;
    }
    if (!arguments.sql.empty()) test["sql"] = arguments.sql;
    if (!arguments.topic.empty()) test["topic"] = arguments.topic;
    if (!arguments.version.empty()) test["version"] = arguments.version;
    if (!arguments.client_id.empty()) test["clientId"] = arguments.client_id;
    const std::string text = test.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    const rules::TestAnswer answer = rules::run_test_case(text, surroundings, true);
    auto shown = nlohmann::ordered_json::parse(answer.json, nullptr, false);
    if (arguments.json) {
        std::cout << answer.json << "\n";
    } else {
        std::cout << rules::explanation_text(answer.json);
        shown.erase("explain");
        shown.erase("id");
        for (const auto& [name, value] : shown.items())
            std::cout << name << ": " << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
    }
    return !shown.contains("invalid") ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

ExitCode run_rule_test(const RuleTestArguments& arguments, const std::string& account_id) {
    const SystemClock clock;
    SystemRandom random;
    const rules::TestSurroundings surroundings{clock, random, account_id};
    if (!arguments.file.empty()) return run_file(arguments.file, surroundings);
    if (!arguments.sql.empty() || !arguments.text_template.empty()) return run_one(arguments, surroundings);
    std::cerr << "fogbank: rule test needs a file of cases, --sql or --template\n";
    return ExitCode::usage;
}

}  // namespace fogbank::app
