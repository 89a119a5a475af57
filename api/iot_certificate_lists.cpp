#include "api/iot_certificate_lists.h"

#include <nlohmann/json.hpp>

#include "api/members.h"

namespace fogbank::api {

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
