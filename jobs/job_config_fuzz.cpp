// Any bytes as a CreateJob request: configuration and document are read or refused, and what was accepted is read again as it was stored.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "common/json.h"
#include "jobs/job_config.h"

namespace {

using namespace fogbank;

void must(bool what) {
    if (!what) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto request = parse_json({reinterpret_cast<const char*>(data), size}, JsonLimits{1 << 20, 32});
    if (!request || !request->is_object()) return 0;
    const Quotas quotas(QuotaProfile::aws);
    if (const auto document = jobs::read_document(*request, quotas)) {
        must(document->size() <= quotas.bytes(Quota::job_document_bytes));
        must(parse_json(*document).has_value());
    }
    const auto members = jobs::read_config_members(*request);
    if (!members) return 0;
    jobs::Job job;
    job.config_json = members->dump();
    job.counts = {3, 2, 5, 7, 1, 4, 0, 0};
    job.released = 22;
    const jobs::JobConfig config = jobs::stored_config(job);
    if (const auto rate = config.rate_per_minute(job)) must(*rate >= 1 && *rate <= 1000);
    (void)config.must_abort(job);
    (void)config.retries_left(jobs::Execution(), jobs::Status::failed);
    const auto again = jobs::decode_job(jobs::encode(job));
    must(again && again->config_json == job.config_json);
    return 0;
}
