/// `fogbank rule test`: statements and templates without a server (rules/test_case.h).
#pragma once

#include <optional>
#include <string>

#include "app/command_line.h"

namespace fogbank::app {

/// Either a file of cases or one statement (or template).
struct RuleTestArguments {
    std::string file;  ///< one case a line, `-` for standard input; empty: the one statement below
    std::string sql, text_template, topic, payload, payload_file, version, client_id;
    bool json = false;  ///< print the answer as JSON, with its explanation
};

/// Exit codes: ok; failed when a case is malformed (a file) or the statement is invalid (one statement); usage.
ExitCode run_rule_test(const RuleTestArguments& arguments, const std::string& account_id);

}  // namespace fogbank::app
