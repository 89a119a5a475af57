#include "store/kv/errc.h"

#include <array>

namespace fogbank::store::kv {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 7> names{
        "", "precondition failed", "conflict", "store unavailable", "store corrupt", "store stopped", "key or value too large"};
    static const NamedErrorCategory instance("store.kv", names);
    return instance;
}

}  // namespace fogbank::store::kv
