/// Jobs and executions in the words of the three APIs: control plane (seconds as JSON timestamps), devices over MQTT (document as an
/// object), devices over HTTP (document as text).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "common/arn.h"
#include "jobs/model.h"

namespace fogbank::jobs {

/// DescribeJob's `job`.
nlohmann::json describe_json(const Job& job, const ArnFactory& arns);
/// An entry of ListJobs.
nlohmann::json summary_json(const Job& job, const ArnFactory& arns);
/// DescribeJobExecution's `execution`, control plane.
nlohmann::json describe_json(const Execution& execution, const ArnFactory& arns, std::int64_t now_s);
/// `jobExecutionSummary` of the two lists, control plane.
nlohmann::json control_summary_json(const Execution& execution);

/// JobExecution of the device APIs. `job` is needed for the document; null: without. `as_text`: the document as a JSON string.
nlohmann::json device_json(const Execution& execution, const Job* job, bool as_text, std::int64_t now_s);
/// JobExecutionSummary of the device APIs.
nlohmann::json device_summary_json(const Execution& execution);
/// JobExecutionState of the device APIs.
nlohmann::json state_json(const Execution& execution);
nlohmann::json document_json(const Job& job, bool as_text);

/// `{"timestamp":…,"jobs":{"IN_PROGRESS":[…],"QUEUED":[…]}}`.
nlohmann::json notify_json(const std::vector<Execution>& pending, std::int64_t now_s);

}  // namespace fogbank::jobs
