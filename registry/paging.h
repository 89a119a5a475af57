/// What every list of the registry takes and answers.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"

namespace fogbank::registry {

template <class T>
using Awaitable = boost::asio::awaitable<Result<T>>;

/// One page of a list; `next` continues it.
template <class T>
struct ListPage {
    std::vector<T> items;
    std::optional<std::string> next;
};
struct PageRequest {
    std::optional<std::string> marker;
    std::int64_t items_max = 100;  ///< 1 to 250
    bool ascending = true;
};

}  // namespace fogbank::registry
