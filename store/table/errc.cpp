#include "store/table/errc.h"

#include <array>

namespace fogbank::store::table {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 10> names{"",
                                                            "validation",
                                                            "resource not found",
                                                            "resource in use",
                                                            "conditional check failed",
                                                            "item collection too large",
                                                            "limit exceeded",
                                                            "serialization",
                                                            "throttled",
                                                            "unavailable"};
    static const NamedErrorCategory instance("store.table", names);
    return instance;
}

}  // namespace fogbank::store::table
