#include "policy/errc.h"

#include <array>

namespace fogbank::policy {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 3> names{"", "malformed_document", "document_too_large"};
    static const NamedErrorCategory category("policy", names);
    return category;
}

}  // namespace fogbank::policy
