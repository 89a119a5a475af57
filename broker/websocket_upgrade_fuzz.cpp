// Any head: judged without harm, and no byte of it breaks the answer's lines.
#include <algorithm>
#include <cstdlib>

#include "broker/websocket_upgrade.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace fogbank::broker;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t head = http_head_bytes(bytes);
    if (head == 0 || head > 16 * 1024) return 0;
    const auto request = parse_http_head(bytes.substr(0, head));
    if (!request) return 0;
    static_cast<void>(wants_websocket(*request));
    static_cast<void>(query_value(*request, "X-Amz-Signature"));
    const UpgradeVerdict verdict = judge_upgrade(*request);
    const std::string answer = verdict.refusal.status == 0 ? upgrade_answer(verdict.terms)
                                                           : refusal_answer(verdict.refusal, "00000000-0000-0000-0000-000000000000");
    const std::size_t lines = static_cast<std::size_t>(std::count(answer.begin(), answer.end(), '\n'));
    if (http_head_bytes(answer) == 0 || lines > 10) std::abort();
    return 0;
}
