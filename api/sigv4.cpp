#include "api/sigv4.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/encoding.h"
#include "common/sigv4_sign.h"
#include "registry/errc.h"

namespace fogbank::api::sigv4 {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view mismatch_text =
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
    "Consult the "
    "service documentation for details.";
constexpr std::size_t signing_keys_max = 1024;
constexpr std::size_t signed_headers_max = 100;  // Fogbank; no client sends more than a dozen

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

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    while (true) {
        const std::size_t end = text.find(separator);
        out.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return out;
        text.remove_prefix(end + 1);
    }
}

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty() || text.front() == '-') return std::nullopt;
    return value;
}

/// `yyyymmddThhmmssZ` to time.
std::optional<WallTime> parse_timestamp(std::string_view text) {
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
    const auto year = number(text.substr(0, 4)), month = number(text.substr(4, 2)), day = number(text.substr(6, 2));
    const auto hour = number(text.substr(9, 2)), minute = number(text.substr(11, 2)), second = number(text.substr(13, 2));
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

Error incomplete(std::string message) {
    return Error(Errc::incomplete_signature, std::move(message));
}

/// `<key>/<yyyymmdd>/<region>/<service>/aws4_request` into `claim`.
bool read_scope(std::string_view credential, Claim& claim) {
    const auto parts = split(credential, '/');
    if (parts.size() != 5 || parts[4] != "aws4_request") return false;
    for (const std::string_view part : parts) {
        if (part.empty()) return false;
    }
    claim.access_key_id = parts[0];
    claim.date = parts[1];
    claim.region = parts[2];
    claim.service = parts[3];
    return true;
}

bool read_signed_headers(std::string_view text, Claim& claim) {
    const auto names = split(text, ';');
    if (names.size() > signed_headers_max) return false;
    for (const std::string_view name : names) {
        if (name.empty()) return false;
        claim.signed_headers.push_back(lower(name));
    }
    return true;
}

Result<Claim> finish(Claim claim, std::string_view credential, std::string_view signed_headers, std::string_view given_signature) {
    if (!read_scope(credential, claim)) {
        return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" +
                          std::string(credential) + "'");
    }
    if (!read_signed_headers(signed_headers, claim)) return incomplete("SignedHeaders must be a list of header names separated by `;`");
    claim.signature = lower(given_signature);
    if (!parse_timestamp(claim.timestamp)) return incomplete("Date must be in ISO-8601 'basic format'. Got '" + claim.timestamp + "'.");
    return claim;
}

Result<Claim> parse_header_form(const Request& request, std::string_view authorization) {
    const std::size_t space = authorization.find(' ');
    if (authorization.substr(0, space) != algorithm || space == std::string_view::npos) {
        return incomplete("Authorization must be of the form `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`");
    }
    std::string_view credential, signed_headers, given_signature;
    for (std::string_view part : split(authorization.substr(space + 1), ',')) {
        part = trimmed(part);
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) {
            return incomplete("'" + std::string(part) + "' not a valid key=value pair (missing equal-sign) in Authorization header");
        }
        const std::string_view name = part.substr(0, equals), value = part.substr(equals + 1);
        if (name == "Credential") credential = value;
        if (name == "SignedHeaders") signed_headers = value;
        if (name == "Signature") given_signature = value;
    }
    std::string missing;
    if (credential.empty()) missing += "Authorization header requires 'Credential' parameter. ";
    if (given_signature.empty()) missing += "Authorization header requires 'Signature' parameter. ";
    if (signed_headers.empty()) missing += "Authorization header requires 'SignedHeaders' parameter. ";
    Claim claim;
    const auto amz_date = request.header("x-amz-date");
    const auto date = amz_date ? amz_date : request.header("date");
    if (!date) missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    if (!missing.empty()) return incomplete(missing.substr(0, missing.size() - 1));
    claim.timestamp = *date;
    return finish(std::move(claim), credential, signed_headers, given_signature);
}

std::optional<std::string> parameter(const QueryParameters& parameters, std::string_view name) {
    for (const auto& [key, value] : parameters) {
        if (key == name) return value;
    }
    return std::nullopt;
}

Result<Claim> parse_query_form(const QueryParameters& parameters) {
    const auto given = [&](std::string_view name) { return parameter(parameters, name).value_or(std::string()); };
    if (given("X-Amz-Algorithm") != algorithm) return incomplete("AWS query-string parameters must include a valid 'X-Amz-Algorithm'");
    Claim claim;
    claim.presigned = true;
    claim.timestamp = given("X-Amz-Date");
    for (const char* name : {"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"}) {
        if (given(name).empty()) return incomplete(std::string("AWS query-string parameters must include '") + name + "'");
    }
    if (const auto text = parameter(parameters, "X-Amz-Expires")) {
        const auto seconds = number(*text);
        if (!seconds || *seconds < 1 || std::chrono::seconds(*seconds) > expires_max) {
            return incomplete("X-Amz-Expires must be between 1 and 604800 seconds");
        }
        claim.expires = std::chrono::seconds(*seconds);
    }
    return finish(std::move(claim), given("X-Amz-Credential"), given("X-Amz-SignedHeaders"), given("X-Amz-Signature"));
}

/// Without dot segments and duplicate slashes, as AWS and the SDKs do for every service but S3.
std::string normalized_path(std::string_view path) {
    std::vector<std::string_view> kept;
    for (const std::string_view segment : split(path, '/')) {
        if (segment.empty() || segment == ".") continue;
        if (segment != "..") {
            kept.push_back(segment);
        } else if (!kept.empty()) {
            kept.pop_back();
        }
    }
    std::string out;
    for (const std::string_view segment : kept) out.append("/").append(segment);
    if (out.empty() || (!path.empty() && path.back() == '/')) out += '/';
    return out;
}

std::string canonical_query(const Request& request, const Claim& claim, const CanonicalOptions& options) {
    std::vector<std::pair<std::string, std::string>> encoded;
    for (const auto& [name, value] : parse_query(request.query).value_or(QueryParameters())) {
        if (claim.presigned && (name == "X-Amz-Signature" || (options.omit_security_token && name == "X-Amz-Security-Token"))) continue;
        encoded.emplace_back(percent_encode(name), percent_encode(value));
    }
    std::sort(encoded.begin(), encoded.end());
    std::string out;
    for (const auto& [name, value] : encoded) {
        if (!out.empty()) out += '&';
        out.append(name).append("=").append(value);
    }
    return out;
}

/// Trimmed, inner runs of spaces collapsed.
void append_value(std::string& out, std::string_view value) {
    bool space = false;
    for (const char c : trimmed(value)) {
        if (c == ' ' && space) continue;
        space = c == ' ';
        out += c;
    }
}

/// Without duplicates, in the order of their bytes.
std::vector<std::string_view> sorted_names(const Claim& claim) {
    std::vector<std::string_view> out(claim.signed_headers.begin(), claim.signed_headers.end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

void append_headers(std::string& out, const Request& request, const std::vector<std::string_view>& names, const CanonicalOptions& options) {
    for (const std::string_view name : names) {
        out.append(name).append(":");
        bool first = true;
        for (const Header& header : request.headers) {
            if (header.name != name) continue;
            if (!first) out += ',';
            append_value(out, name == "host" ? std::string_view(options.host) : std::string_view(header.value));
            first = false;
        }
        out += '\n';
    }
}

std::string joined(const std::vector<std::string_view>& names) {
    std::string out;
    for (const std::string_view name : names) {
        if (!out.empty()) out += ';';
        out += name;
    }
    return out;
}

std::string scope(const Claim& claim) {
    return claim.date + "/" + claim.region + "/" + claim.service + "/aws4_request";
}

Result<void> judge_time(const Claim& claim, WallTime now) {
    const WallTime at = *parse_timestamp(claim.timestamp);
    if (claim.timestamp.substr(0, 8) != claim.date) {
        return Error(Errc::invalid_signature,
                     "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" + claim.date + "' != '" +
                         claim.timestamp.substr(0, 8) + "', from '" + claim.timestamp + "'.");
    }
    // A presigned URL lives as long as it says; how long one without X-Amz-Expires lives is not documented, so it gets the clock tolerance.
    const bool has_life = claim.presigned && claim.expires.count() > 0;
    const WallTime last = has_life ? at + claim.expires : at + skew_max;
    if (now > last) {
        if (has_life)
            return Error(Errc::signature_expired,
                         "Signature expired: " + sigv4_date_time(last) + " is now earlier than " + sigv4_date_time(now));
        return Error(Errc::signature_expired, "Signature expired: " + claim.timestamp + " is now earlier than " +
                                                  sigv4_date_time(now - skew_max) + " (" + sigv4_date_time(now) + " - 15 min.)");
    }
    if (at > now + skew_max) {
        return Error(Errc::signature_expired, "Signature not yet current: " + claim.timestamp + " is still later than " +
                                                  sigv4_date_time(now + skew_max) + " (" + sigv4_date_time(now) + " + 15 min.)");
    }
    return {};
}

/// The Hosts that a client may have signed for this request: as received, without its port, with the listener's.
std::vector<std::string> candidate_hosts(const Request& request) {
    const std::string received(request.header("host").value_or(std::string_view()));
    std::vector<std::string> out{received};
    const std::size_t colon = received.rfind(':');
    const bool has_port = colon != std::string::npos && received.find(']', colon) == std::string::npos;
    const std::string bare = has_port ? received.substr(0, colon) : received;
    if (has_port) out.push_back(bare);
    const std::string with_listener = bare + ":" + std::to_string(request.local_port);
    if (request.local_port != 0 && with_listener != received) out.push_back(with_listener);
    return out;
}

bool equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string derive_key(const Claim& claim, std::string_view secret_access_key) {
    return sigv4_signing_key(secret_access_key, claim.date, claim.region, claim.service);
}

std::string sign(const Claim& claim, std::string_view canonical_request_text, std::string_view signing_key) {
    const std::string to_sign =
        std::string(algorithm) + "\n" + claim.timestamp + "\n" + scope(claim) + "\n" + hex_encode(sha256(canonical_request_text));
    return hex_encode(hmac_sha256(signing_key, to_sign));
}

bool signature_matches(const Request& request, const Claim& claim, std::string_view signing_key) {
    const auto parameters = parse_query(request.query);
    const bool has_token = claim.presigned && parameters && parameter(*parameters, "X-Amz-Security-Token").has_value();
    const std::string body_sha256 = hex_encode(sha256(request.body));
    for (const std::string& host : candidate_hosts(request)) {
        for (int omit = has_token ? 1 : 0; omit >= 0; --omit) {
            const CanonicalOptions options{host, omit == 1, body_sha256};
            if (equal(sign(claim, canonical_request(request, claim, options), signing_key), claim.signature)) return true;
        }
    }
    return false;
}

Error unrecognized() {
    return Error(Errc::unrecognized_client, "The security token included in the request is invalid.");
}

struct FoundKey {
    registry::AccessKey key;
    bool temporary = false;  ///< of a session
};

/// The key that a claim is about: of the session whose token the request brings, or a long-term one.
Result<FoundKey> find_key(const Request& request, const Claim& claim, const registry::AccessKeys& keys) {
    std::string token(request.header("x-amz-security-token").value_or(std::string_view()));
    if (claim.presigned && token.empty()) {
        if (const auto parameters = parse_query(request.query)) token = parameter(*parameters, "X-Amz-Security-Token").value_or("");
    }
    if (token.empty()) {
        auto key = keys.find(claim.access_key_id);
        if (!key) return unrecognized();
        return FoundKey{std::move(*key), false};
    }
    auto key = keys.find_session(claim.access_key_id, token);
    if (!key && key.error().code == registry::Errc::unknown_access_key) return unrecognized();
    if (!key) return key.error();
    return FoundKey{std::move(*key), true};
}

/// Everything but the signature.
Result<FoundKey> check(const Request& head, const Claim& claim, const registry::AccessKeys& keys, WallTime now) {
    auto key = find_key(head, claim, keys);
    if (!key) return key;
    if (auto time = judge_time(claim, now); !time) return time.error();
    if (std::find(claim.signed_headers.begin(), claim.signed_headers.end(), "host") == claim.signed_headers.end()) {
        return Error(Errc::invalid_signature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    }
    return key;
}

}  // namespace

Result<Claim> parse_claim(const Request& request) {
    if (const auto authorization = request.header("authorization")) return parse_header_form(request, *authorization);
    const auto parameters = parse_query(request.query);
    if (!parameters) return incomplete("the query string is not well-formed");
    if (parameter(*parameters, "X-Amz-Algorithm") || parameter(*parameters, "X-Amz-Signature")) return parse_query_form(*parameters);
    return Error(Errc::missing_authentication_token, "Missing Authentication Token");
}

Result<Claim> precheck(const Request& head, const registry::AccessKeys& keys, WallTime now) {
    auto claim = parse_claim(head);
    if (!claim) return claim;
    if (const auto key = check(head, *claim, keys, now); !key) return key.error();
    return claim;
}

std::string SigningKeys::derive(const Claim& claim, std::string_view secret_access_key) {
    const std::string name = claim.access_key_id + "/" + scope(claim);
    const std::scoped_lock lock(mutex_);
    if (const auto found = kept_.find(name); found != kept_.end() && found->second.secret == secret_access_key) return found->second.key;
    if (kept_.size() >= signing_keys_max) kept_.clear();
    Kept& kept = kept_[name];
    kept.secret = secret_access_key;
    kept.key = derive_key(claim, secret_access_key);
    return kept.key;
}

Result<Caller> verify(const Request& request, const registry::AccessKeys& keys, WallTime now, SigningKeys* kept) {
    const auto claim = parse_claim(request);
    if (!claim) return claim.error();
    auto found = check(request, *claim, keys, now);
    if (!found) return found.error();
    registry::AccessKey& key = found->key;
    const std::string signing_key =
        kept != nullptr ? kept->derive(*claim, key.secret_access_key) : derive_key(*claim, key.secret_access_key);
    if (!parse_query(request.query) || !signature_matches(request, *claim, signing_key)) {
        return Error(Errc::invalid_signature, std::string(mismatch_text));
    }
    Caller caller{std::move(key.principal), std::move(key.access_key_id), claim->region, claim->service};
    caller.grants = std::move(key.grants);
    caller.temporary = found->temporary;
    return caller;
}

std::string canonical_request(const Request& request, const Claim& claim, const CanonicalOptions& options) {
    std::string out = request.method + "\n";
    out += percent_encode(normalized_path(request.path), true) + "\n";
    out += canonical_query(request, claim, options) + "\n";
    const auto names = sorted_names(claim);
    append_headers(out, request, names, options);
    out += "\n" + joined(names) + "\n";
    out += options.body_sha256.empty() ? hex_encode(sha256(request.body)) : options.body_sha256;
    return out;
}

std::string signature(const Claim& claim, std::string_view canonical_request_text, std::string_view secret_access_key) {
    return sign(claim, canonical_request_text, derive_key(claim, secret_access_key));
}

}  // namespace fogbank::api::sigv4
