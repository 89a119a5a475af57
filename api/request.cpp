#include "api/request.h"

#include "common/encoding.h"

namespace fogbank::api {

std::optional<std::string_view> Request::header(std::string_view name) const {
    for (const Header& one : headers) {
        if (one.name == name) return std::string_view(one.value);
    }
    return std::nullopt;
}

std::optional<QueryParameters> parse_query(std::string_view query) {
    QueryParameters out;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view part = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
        if (part.empty()) continue;
        const std::size_t equals = part.find('=');
        auto name = percent_decode(part.substr(0, equals));
        auto value = percent_decode(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
        if (!name || !value) return std::nullopt;
        out.emplace_back(std::move(*name), std::move(*value));
    }
    return out;
}

std::optional<QueryParameters> parse_form(std::string_view body) {
    std::string text(body);
    for (char& c : text) {
        if (c == '+') c = ' ';
    }
    return parse_query(text);
}

}  // namespace fogbank::api
