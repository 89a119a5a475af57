/// Statements and templates run on one message without a server: `fogbank rule test` and its HTTP endpoint. Source: the README's chapter on
/// testing rules.
///
/// A case is one JSON object:
///   id          any JSON value, repeated in the answer
///   kind        `statement` (default) or `template`
///   sql         the statement; for a template optional: its SET variables can be used
///   template    for kind `template`
///   version     `2015-10-08`, `2016-03-23` (default) or `beta`
///   topic       the publish topic; FROM must match it. `$aws/rules/<rule>/…` is Basic Ingest. Not given: FROM is not looked at
///   payload     text; or any other JSON value: then its own text is the payload
///   encoding    `base64`: `payload` is Base64 of the bytes
///   clientId, accountId, principal, sourceIp, ruleName    texts
///   protocol    `mqtt` (default) or `http`
///   now_ms      what timestamp() answers
///   mqtt5       contentType, responseTopic, correlationData (Base64), payloadFormatIndicator (`UTF8_DATA`, `UNSPECIFIED_BYTES`, 1, 0),
///               userProperties: [{"key": …, "value": …}], [{"k": "v"}] or [["k", "v"]]
///   externals   what other services answer (rules/stubs.h)
///
/// The answer is one JSON object: `id` and one of
///   output         what the actions get, as JSON
///   output_base64  what the actions get, where that is not JSON: raw payloads, and nothing at all for a lone Undefined
///   text           the expanded template
///   none           why the actions do not run: FROM, WHERE, or a failed function
///   invalid        {"position": byte in the SQL or template, "reason": text}; position 0 for a malformed case
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/random.h"

namespace fogbank::rules {

/// Longest case. Fogbank's own bound.
inline constexpr std::size_t test_case_bytes_max = 4 * 1024 * 1024;

struct TestSurroundings {
    const Clock& clock;
    RandomSource& random;
    std::string account_id;
};

struct TestAnswer {
    std::string json;         ///< one line, without its end
    bool well_formed = true;  ///< false: the case itself is malformed (not what it tests)
};

/// Runs one case. Never throws, never waits; bounded as any evaluation.
/// @param explain  adds `explain` to the answer: [{"clause": …, "expression": …, "depth": …, "value": …}] in the order of the text; `value`
/// is missing where it is Undefined.
TestAnswer run_test_case(std::string_view case_json, const TestSurroundings& surroundings, bool explain = false);

/// The explanation as lines for people: clause, then each sub-expression with its value, indented by depth.
/// @param answer_json  an answer with `explain`.
std::string explanation_text(std::string_view answer_json);

}  // namespace fogbank::rules
