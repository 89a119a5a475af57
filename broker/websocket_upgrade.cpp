#include "broker/websocket_upgrade.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <optional>

#include "common/common_errc.h"
#include "common/encoding.h"

namespace fogbank::broker {
namespace {

constexpr std::size_t headers_max = 100;
constexpr std::string_view mqtt_path = "/mqtt";
constexpr std::string_view key_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, section 1.3
// The second is what AWS's device SDK v1 offers though it speaks 3.1.1.
constexpr std::array<std::string_view, 2> subprotocols{"mqtt", "mqttv3.1"};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Calls `take` with each trimmed element of a comma-separated header, in all headers of that name, until it answers true.
template <class Take>
bool any_element(const UpgradeRequest& request, std::string_view name, Take take) {
    for (const auto& [header, value] : request.headers) {
        if (header != name) continue;
        std::string_view rest = value;
        while (true) {
            const std::size_t comma = rest.find(',');
            if (take(trimmed(rest.substr(0, comma)))) return true;
            if (comma == std::string_view::npos) break;
            rest.remove_prefix(comma + 1);
        }
    }
    return false;
}

bool has_element(const UpgradeRequest& request, std::string_view name, std::string_view wanted) {
    return any_element(request, name, [wanted](std::string_view element) { return lower(element) == wanted; });
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool is_clean(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7F; });
}

std::string accept_key(std::string_view key) {
    const std::string text = std::string(key) + std::string(key_suffix);
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    ::SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return base64_encode(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::string_view status_text(unsigned status) {
    switch (status) {
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 408:
            return "Request Timeout";
        case 426:
            return "Upgrade Required";
        case 431:
            return "Request Header Fields Too Large";
        default:
            return "Service Unavailable";
    }
}

std::string_view error_type(unsigned status) {
    switch (status) {
        case 403:
            return "ForbiddenException";
        case 404:
            return "ResourceNotFoundException";
        case 503:
            return "ServiceUnavailableException";
        default:
            return "InvalidRequestException";
    }
}

/// As a JSON string's content. The reason is ours but may quote the peer.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += (c >= 0 && c < ' ') ? ' ' : c;
    }
    return out;
}

Error malformed(std::string_view what) {
    return {CommonErrc::malformed, "HTTP request: " + std::string(what)};
}

UpgradeVerdict refused(unsigned status, std::string reason) {
    UpgradeVerdict out;
    out.refusal.status = status;
    out.refusal.reason = std::move(reason);
    return out;
}

}  // namespace

std::size_t http_head_bytes(std::string_view bytes) {
    const std::size_t end = bytes.find("\r\n\r\n");
    return end == std::string_view::npos ? 0 : end + 4;
}

Result<UpgradeRequest> parse_http_head(std::string_view head) {
    UpgradeRequest out;
    const auto take_line = [&head]() {
        const std::size_t end = head.find("\r\n");
        const std::string_view line = head.substr(0, end);
        head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
        return line;
    };
    const std::string_view request_line = take_line();
    const std::size_t first = request_line.find(' '), last = request_line.rfind(' ');
    if (first == std::string_view::npos || first == last || !is_clean(request_line)) return malformed("bad request line");
    const std::string_view target = request_line.substr(first + 1, last - first - 1), version = request_line.substr(last + 1);
    if (!is_token(request_line.substr(0, first)) || !target.starts_with('/') || target.find(' ') != std::string_view::npos ||
        (version != "HTTP/1.1" && version != "HTTP/1.0")) {
        return malformed("bad request line");
    }
    out.method = request_line.substr(0, first);
    const std::size_t mark = target.find('?');
    out.path = target.substr(0, mark);
    if (mark != std::string_view::npos) out.query = target.substr(mark + 1);
    for (std::string_view line = take_line(); !line.empty(); line = take_line()) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) || !is_clean(line)) return malformed("bad header");
        if (out.headers.size() == headers_max) return malformed("too many headers");
        out.headers.emplace_back(lower(line.substr(0, colon)), std::string(trimmed(line.substr(colon + 1))));
    }
    return out;
}

std::string_view header_value(const UpgradeRequest& request, std::string_view name) {
    for (const auto& [header, value] : request.headers) {
        if (header == name) return value;
    }
    return {};
}

std::string query_value(const UpgradeRequest& request, std::string_view name) {
    std::string_view rest = request.query;
    while (!rest.empty()) {
        const std::size_t end = rest.find('&');
        const std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        const std::size_t equals = pair.find('=');
        if (percent_decode(pair.substr(0, equals)) != std::string(name)) continue;
        return equals == std::string_view::npos ? std::string() : percent_decode(pair.substr(equals + 1)).value_or(std::string());
    }
    return {};
}

bool wants_websocket(const UpgradeRequest& request) {
    return has_element(request, "upgrade", "websocket");
}

UpgradeVerdict judge_upgrade(const UpgradeRequest& request) {
    if (request.path != mqtt_path) return refused(404, "MQTT over WebSocket is at `/mqtt`");
    if (request.method != "GET") return refused(400, "a WebSocket is opened with GET");
    if (!has_element(request, "connection", "upgrade")) return refused(400, "header Connection does not name Upgrade");
    if (header_value(request, "sec-websocket-version") != "13") return refused(426, "only WebSocket version 13 is spoken");
    const std::string_view key = header_value(request, "sec-websocket-key");
    const auto nonce = base64_decode(key);
    if (!nonce || nonce->size() != 16) return refused(400, "Sec-WebSocket-Key must be 16 bytes in base64");
    UpgradeVerdict out;
    const bool found = any_element(request, "sec-websocket-protocol", [&out](std::string_view offered) {
        if (std::find(subprotocols.begin(), subprotocols.end(), offered) == subprotocols.end()) return false;
        out.terms.subprotocol = offered;
        return true;
    });
    if (!found) return refused(400, "none of the subprotocols offered is `mqtt` or `mqttv3.1`");
    out.refusal.status = 0;
    out.terms.accept_key = accept_key(key);
    return out;
}

std::string upgrade_answer(const UpgradeTerms& terms) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + terms.accept_key +
           "\r\nSec-WebSocket-Protocol: " + terms.subprotocol + "\r\n\r\n";
}

std::string refusal_answer(const HttpRefusal& refusal, std::string_view request_id) {
    const std::string body = R"({"message":")" + escaped(refusal.reason) + R"(","traceId":")" + std::string(request_id) + "\"}";
    std::string out = "HTTP/1.1 " + std::to_string(refusal.status) + " " + std::string(status_text(refusal.status)) + "\r\n";
    if (refusal.status == 426) out += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    out += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n";
    out += "x-amzn-RequestId: " + std::string(request_id) + "\r\nx-amzn-ErrorType: " + std::string(error_type(refusal.status)) + "\r\n\r\n";
    return out + body;
}

}  // namespace fogbank::broker
