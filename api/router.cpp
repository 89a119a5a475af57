#include "api/router.h"

#include <algorithm>

#include "common/encoding.h"

namespace fogbank::api {
namespace {

constexpr std::size_t segments_max = 32;  // the longest template has 6; a topic has at most 8 levels in profile `aws`

std::vector<std::string_view> split_path(std::string_view path) {
    std::vector<std::string_view> out;
    if (path.starts_with('/')) path.remove_prefix(1);
    while (out.size() < segments_max) {
        const std::size_t end = path.find('/');
        out.push_back(path.substr(0, end));
        if (end == std::string_view::npos) break;
        path.remove_prefix(end + 1);
    }
    return out;
}

bool is_label(std::string_view segment) {
    return segment.starts_with('{');
}

std::string_view label_name(std::string_view segment) {
    segment.remove_prefix(1);
    return segment.substr(0, segment.find_first_of("+}"));
}

}  // namespace

Router::Router(std::span<const std::span<const Operation>> tables) {
    for (const auto& table : tables) {
        for (const Operation& operation : table) {
            Route route{&operation, split_path(operation.path)};
            route.greedy = route.segments.back().ends_with("+}");
            for (const std::string_view segment : route.segments) route.literals += is_label(segment) ? 0 : 1;
            routes_.push_back(std::move(route));
        }
    }
    std::stable_sort(routes_.begin(), routes_.end(), [](const Route& a, const Route& b) { return a.literals > b.literals; });
}

std::optional<Router::Match> Router::match(std::string_view method, std::string_view path) const {
    const auto segments = split_path(path);
    bool path_known = false;
    for (const Route& route : routes_) {
        const std::size_t count = route.segments.size();
        if (route.greedy ? segments.size() < count : segments.size() != count) continue;
        Match match;
        bool fits = true;
        for (std::size_t i = 0; fits && i < count; ++i) {
            if (!is_label(route.segments[i])) {
                fits = route.segments[i] == segments[i];
                continue;
            }
            const bool rest = route.greedy && i + 1 == count;
            const std::string_view text = rest ? path.substr(static_cast<std::size_t>(segments[i].data() - path.data())) : segments[i];
            auto decoded = percent_decode(text);
            fits = decoded.has_value() && !decoded->empty();
            if (fits) match.labels.emplace_back(label_name(route.segments[i]), std::move(*decoded));
        }
        if (!fits) continue;
        path_known = true;
        if (route.operation->method != method) continue;
        match.operation = route.operation;
        return match;
    }
    if (!path_known) return std::nullopt;
    return Match{};
}

}  // namespace fogbank::api
