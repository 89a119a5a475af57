/// What this machine is called: for the server certificate and for telling people where to connect.
#pragma once

#include <string>
#include <vector>

#include "common/settings.h"

namespace fogbank::app {

struct LocalNames {
    std::vector<std::string> host_names;  ///< short and fully qualified, without localhost
    std::vector<std::string> addresses;   ///< of all interfaces that are up, without loopback and link-local ones, IPv4 first
};
LocalNames local_names();

/// Every name the server certificate must cover: localhost and loopback addresses, the machine's names and addresses, AWS's endpoint forms
/// for the region, and what the user added. Sorted, without duplicates.
std::vector<std::string> certificate_names(const Settings& settings, const LocalNames& local);

/// What DescribeEndpoint answers: the first name the user gave, else localhost.
std::string endpoint_name(const Settings& settings);

/// What to type into a gateway: the first name the user gave, else this machine's first address unless only loopback is bound.
std::string gateway_host(const Settings& settings, const LocalNames& local);

}  // namespace fogbank::app
