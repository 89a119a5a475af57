#include "broker/errc.h"

#include <array>

namespace fogbank::broker {

const boost::system::error_category& category() {
    static constexpr std::array<std::string_view, 4> names{"", "publish_loop", "tls_refused", "throttled"};
    static const NamedErrorCategory instance("broker", names);
    return instance;
}

}  // namespace fogbank::broker
