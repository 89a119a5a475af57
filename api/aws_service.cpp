#include "api/aws_service.h"

#include <algorithm>

namespace fogbank::api {
namespace {

bool has(const std::vector<std::string_view>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view target_of(const Request& request) {
    return request.header("x-amz-target").value_or(std::string_view());
}

std::string_view member(const QueryParameters& form, std::string_view name) {
    for (const auto& [key, value] : form) {
        if (key == name) return value;
    }
    return {};
}

bool fits_target(const AwsService& service, std::string_view target) {
    return service.protocol == Protocol::json && !target.empty() && target.starts_with(service.target_prefix);
}

bool fits_path(const AwsService& service, std::string_view path) {
    return std::any_of(service.path_prefixes.begin(), service.path_prefixes.end(),
                       [&](std::string_view prefix) { return path.starts_with(prefix); });
}

bool fits_version(const AwsService& service, const Request& request) {
    if (service.protocol != Protocol::query) return false;
    const std::string wanted = "Version=" + std::string(service.version);
    return request.body.find(wanted) != std::string::npos || request.query.find(wanted) != std::string::npos;
}

const Operation* named(const AwsService& service, std::string_view name) {
    for (const auto& table : service.operations) {
        for (const Operation& operation : table) {
            if (operation.name == name) return &operation;
        }
    }
    return nullptr;
}

}  // namespace

ServiceIndex::ServiceIndex(std::span<const AwsService> services) : services_(services) {
    for (const AwsService& service : services_) {
        const std::span<const std::span<const Operation>> tables(service.operations);
        routers_.emplace_back(service.protocol == Protocol::rest_json ? tables : tables.first(0));
    }
}

const AwsService& ServiceIndex::service_of(std::string_view signing_name, const Request& request) const {
    const std::string_view target = target_of(request);
    const AwsService* first = nullptr;
    for (const AwsService& service : services_) {
        if (!has(service.signing_names, signing_name)) continue;
        if (fits_target(service, target)) return service;
        if (first == nullptr) first = &service;
    }
    if (first != nullptr) return *first;
    for (const AwsService& service : services_) {
        if (fits_target(service, target)) return service;
    }
    for (const AwsService& service : services_) {
        if (fits_version(service, request) || fits_path(service, request.path)) return service;
    }
    return services_.front();
}

bool ServiceIndex::route(const AwsService& service, const Request& request, ChosenOperation& out) const {
    auto match = routers_[static_cast<std::size_t>(&service - services_.data())].match(request.method, request.path);
    if (!match || match->operation == nullptr) return false;
    out.service = &service;
    out.operation = match->operation;
    out.labels = std::move(match->labels);
    return true;
}

ChosenOperation ServiceIndex::choose(std::string_view signing_name, const Request& request, const QueryParameters& form) const {
    ChosenOperation out;
    out.service = &service_of(signing_name, request);
    const AwsService& service = *out.service;
    if (service.protocol == Protocol::json) {
        std::string_view target = target_of(request);
        if (request.method != "POST" || !fits_target(service, target)) return out;
        target.remove_prefix(service.target_prefix.size());
        out.operation = named(service, target);
        return out;
    }
    if (service.protocol == Protocol::query) {
        if (member(form, "Version") == service.version) out.operation = named(service, member(form, "Action"));
        return out;
    }
    if (route(service, request, out) || service.family.empty()) return out;
    for (const AwsService& other : services_) {
        if (&other != &service && other.family == service.family && route(other, request, out)) break;
    }
    return out;
}

ChosenOperation ServiceIndex::choose_for_certificate(const Request& request) const {
    ChosenOperation out;
    for (const AwsService& service : services_) {
        if (!service.for_certificates) continue;
        if (out.service == nullptr) out.service = &service;
        if (route(service, request, out)) return out;
    }
    return out;
}

Error unknown_operation(const AwsService& service, const Request& request, const QueryParameters& form) {
    std::string what = request.method + " " + request.path;
    if (service.protocol == Protocol::json) what = std::string(target_of(request).empty() ? std::string_view("none") : target_of(request));
    if (service.protocol == Protocol::query) {
        return Error(Errc::unknown_operation, "Could not find operation " + std::string(member(form, "Action")) + " for version " +
                                                  std::string(member(form, "Version")));
    }
    const std::string reason = "this server has no operation `" + what + "`";
    switch (service.errors.family) {
        case Family::control:
            return Error(Errc::unknown_operation, "Missing Authentication Token: " + reason);
        case Family::data:
            return Error(Errc::method_not_allowed, "The specified combination of HTTP verb and URI is not supported: " + reason);
        case Family::lambda:
            return Error(Errc::unknown_operation, "Unable to determine service/operation name to be authorized: " + reason);
        case Family::dynamodb:
        case Family::json:
        case Family::query:
            break;
    }
    return Error(Errc::unknown_operation, reason);
}

}  // namespace fogbank::api
