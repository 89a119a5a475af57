/// Finds the operation of a rest-json request by method and path.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/service.h"

namespace fogbank::api {

/// Immutable after construction.
class Router {
  public:
    struct Match {
        const Operation* operation = nullptr;                          ///< null: the path is known, but not with this method
        std::vector<std::pair<std::string_view, std::string>> labels;  ///< decoded after splitting: `%2F` stays within its label
    };

    /// Operations must outlive the router. Their templates are trusted.
    explicit Router(std::span<const std::span<const Operation>> tables);
    Router(std::initializer_list<std::span<const Operation>> tables) : Router(std::span(tables.begin(), tables.size())) {}

    /// Nothing if no template fits. Literal segments win over labels, whatever the order of the tables.
    /// @param path  as received, not decoded.
    std::optional<Match> match(std::string_view method, std::string_view path) const;

  private:
    struct Route {
        const Operation* operation;
        std::vector<std::string_view> segments;  ///< of the template
        bool greedy = false;
        std::size_t literals = 0;
    };
    std::vector<Route> routes_;
};

}  // namespace fogbank::api
