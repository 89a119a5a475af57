/// What other services answer in a test case (`externals`):
///   lambda    {"<ARN or name>": result}                  result: any JSON; {"functionError": text} fails
///   shadow    {"<thing>": document, "<thing>/<shadow>": document}
///   table     {"<table>": [item, …]} or {"<table>": {"<key>": item, "<partition key>/<sort key>": item}}, items as plain JSON
///   registry  {"DescribeThing": {"<thing>": response}, "ListThingGroupsForThing": {"<thing>": response}}
///   secret    {"<id or ARN>": "text", "<id>": {…}}       an object with SecretString or SecretBinary is that secret, any other its JSON
///   object    {"<bucket>/<key>": "base64"}               descriptors for decode(…, 'proto', …)
/// In place of an answer `{"error": text}`, and nothing but that, is a failing service. What is not named is not found: a failure, but
/// for items of a table that is named.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "rules/external.h"

namespace fogbank::rules {

/// @param externals  an object, or null.
sql::ExternalAnswer answer_from_stubs(const nlohmann::ordered_json& externals, const sql::ExternalRequest& request);

}  // namespace fogbank::rules
