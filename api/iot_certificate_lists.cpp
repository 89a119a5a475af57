#include "api/iot_certificate_lists.h"

#include <nlohmann/json.hpp>

#include "api/members.h"

namespace fogbank::api {

Result<registry::PageRequest> read_certificate_page(const Call& call) {
    const auto limit = query_integer(call, "pageSize", 1, certificate_page_max);
    if (!limit) return limit.error();
    const auto marker = decode_token(call.query_value("marker"));
    if (!marker) return marker.error();
    const auto ascending = query_bool(call, "isAscendingOrder", false);
    if (!ascending) return ascending.error();
    registry::PageRequest page;
    page.marker = *marker;
    page.items_max = limit->value_or(certificate_page_default);
    page.ascending = *ascending;
    return page;
}

Response certificate_list(const registry::ListPage<registry::CertificateRecord>& page) {
    nlohmann::json certificates = nlohmann::json::array();
    for (const auto& one : page.items) {
        certificates.push_back({{"certificateArn", one.arn},
                                {"certificateId", one.id.str()},
                                {"status", registry::certificate_status_name(one.status)},
                                {"certificateMode", one.mode},
                                {"creationDate", epoch_seconds(one.created_at)}});
    }
    nlohmann::json out{{"certificates", std::move(certificates)}};
    if (page.next) out["nextMarker"] = encode_token(*page.next);
    return json_response(out);
}

}  // namespace fogbank::api
