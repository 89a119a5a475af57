#include "app/local_names.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace fogbank::app {
namespace {

bool is_loopback_or_local(const std::string& address) {
    return address.starts_with("127.") || address == "::1" || address.starts_with("169.254.") || address.starts_with("fe80:");
}

std::vector<std::string> interface_addresses() {
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return {};
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> guard(first, freeifaddrs);
    std::vector<std::string> v4;
    std::vector<std::string> v6;
    for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
        const int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        std::array<char, NI_MAXHOST> text{};
        const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
        if (getnameinfo(entry->ifa_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) continue;
        const std::string address(text.data());
        if (!is_loopback_or_local(address)) (family == AF_INET ? v4 : v6).push_back(address);
    }
    v4.insert(v4.end(), v6.begin(), v6.end());
    return v4;
}

}  // namespace

LocalNames local_names() {
    LocalNames out;
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' && std::string_view(name.data()) != "localhost") {
        out.host_names.emplace_back(name.data());
        std::array<char, 256> domain{};
        if (getdomainname(domain.data(), domain.size() - 1) == 0 && domain[0] != '\0' && std::string_view(domain.data()) != "(none)") {
            out.host_names.push_back(out.host_names[0] + "." + domain.data());
        }
    }
    out.addresses = interface_addresses();
    return out;
}

std::vector<std::string> certificate_names(const Settings& settings, const LocalNames& local) {
    const std::string& region = settings.region.str();
    std::vector<std::string> names{"localhost",
                                   "127.0.0.1",
                                   "::1",
                                   "*.iot." + region + ".amazonaws.com",
                                   "data-ats.iot." + region + ".amazonaws.com",
                                   "iot." + region + ".amazonaws.com",
                                   "*." + region + ".amazonaws.com"};
    for (const auto* more : {&local.host_names, &local.addresses, &settings.endpoint_names})
        names.insert(names.end(), more->begin(), more->end());
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::string endpoint_name(const Settings& settings) {
    return settings.endpoint_names.empty() ? "localhost" : settings.endpoint_names[0];
}

std::string gateway_host(const Settings& settings, const LocalNames& local) {
    if (!settings.endpoint_names.empty()) return settings.endpoint_names[0];
    if (settings.bind.starts_with("127.") || settings.bind == "::1" || settings.bind == "localhost") return "localhost";
    if (settings.bind != "0.0.0.0" && settings.bind != "::") return settings.bind;
    return local.addresses.empty() ? "localhost" : local.addresses[0];
}

}  // namespace fogbank::app
