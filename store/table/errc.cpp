#include "store/table/errc.h"

#include <array>

namespace fogbank::store::table {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 28> names{"",
                                                            "validation",
                                                            "resource not found",
                                                            "resource in use",
                                                            "conditional check failed",
                                                            "item collection too large",
                                                            "limit exceeded",
                                                            "serialization",
                                                            "throttled",
                                                            "unavailable",
                                                            "idempotent parameter mismatch",
                                                            "transaction conflict",
                                                            "access denied",
                                                            "duplicate item",
                                                            "table not found",
                                                            "table in use",
                                                            "table already exists",
                                                            "backup not found",
                                                            "backup in use",
                                                            "invalid restore time",
                                                            "point-in-time recovery unavailable",
                                                            "trimmed data access",
                                                            "expired iterator",
                                                            "export not found",
                                                            "import not found",
                                                            "export conflict",
                                                            "import conflict",
                                                            "invalid export time"};
    static const NamedErrorCategory instance("store.table", names);
    return instance;
}

}  // namespace fogbank::store::table
