// Any bytes as a query of the fleet index: parsed or refused, and what is parsed runs on a document.

#include <cstdint>

#include "registry/index_query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace fogbank;
    using namespace fogbank::registry;
    static const Quotas quotas(QuotaProfile::relaxed);
    static const IndexDocument document{{"thingName", "gateway-1", std::nullopt},
                                        {"attributes.site", "lab", std::nullopt},
                                        {"shadow.reported.t", "21.5", 21.5},
                                        {"connectivity.connected", "true", std::nullopt}};
    const auto query = IndexQuery::parse({reinterpret_cast<const char*>(data), size}, quotas);
    if (!query) return 0;
    static_cast<void>(query->matches(document));
    static_cast<void>(query->asks_for("shadow."));
    return 0;
}
