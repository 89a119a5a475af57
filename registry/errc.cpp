#include "registry/errc.h"

#include <array>

namespace fogbank::registry {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 31> names{"",
                                                            "invalid_request",
                                                            "resource_not_found",
                                                            "resource_already_exists",
                                                            "version_conflict",
                                                            "delete_conflict",
                                                            "limit_exceeded",
                                                            "malformed_policy",
                                                            "versions_limit_exceeded",
                                                            "certificate_state",
                                                            "certificate_validation",
                                                            "certificate_not_registered",
                                                            "certificate_inactive",
                                                            "certificate_revoked",
                                                            "certificate_expired",
                                                            "certificate_pending",
                                                            "unknown_access_key",
                                                            "store_unavailable",
                                                            "session_expired",
                                                            "certificate_conflict",
                                                            "registration_code_validation",
                                                            "transfer_conflict",
                                                            "transfer_already_completed",
                                                            "resource_registration_failure",
                                                            "conflicting_resource_update",
                                                            "invalid_response",
                                                            "not_authorized",
                                                            "invalid_query",
                                                            "invalid_aggregation",
                                                            "index_not_ready",
                                                            "not_configured"};
    static_assert(names.size() == static_cast<std::size_t>(Errc::not_configured) + 1);
    static const NamedErrorCategory category("registry", names);
    return category;
}

}  // namespace fogbank::registry
