#include "lambda/runtime_http.h"

#include <algorithm>
#include <charconv>

namespace fogbank::lambda {
namespace {

constexpr std::size_t trailer_bytes_max = 4 * 1024;

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool parse(std::string_view text, std::size_t& value, int base) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return !text.empty() && read.ec == std::errc() && read.ptr == text.data() + text.size();
}

std::string_view reason(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 202:
            return "Accepted";
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 413:
            return "Payload Too Large";
        default:
            return "Error";
    }
}

}  // namespace

bool RuntimeRequestParser::fail() {
    malformed_ = true;
    in_.clear();
    at_ = 0;
    return false;
}

std::optional<RuntimeRequest> RuntimeRequestParser::next() {
    while (!malformed_ && state_ != State::done && step()) {
    }
    // What was read is dropped now and then, not with every line.
    if (at_ == in_.size() || at_ > head_bytes_max) {
        in_.erase(0, at_);
        at_ = 0;
    }
    if (malformed_ || state_ != State::done) return std::nullopt;
    RuntimeRequest out = std::move(request_);
    request_ = {};
    state_ = State::head;
    started_ = chunked_ = has_length_ = expects_continue_ = false;
    head_bytes_ = left_ = total_ = 0;
    return out;
}

bool RuntimeRequestParser::take_expects_continue() {
    const bool expects = expects_continue_ && state_ != State::head;
    if (expects) expects_continue_ = false;
    return expects;
}

/// One step forward; false if more bytes are needed.
bool RuntimeRequestParser::step() {
    switch (state_) {
        case State::head:
            return read_head();
        case State::body:
        case State::chunk_data:
            return read_body();
        case State::chunk_size:
            return read_chunk_size();
        case State::chunk_end: {
            const auto text = line();
            if (!text) return false;
            state_ = State::chunk_size;
            return text->empty() || fail();
        }
        case State::trailer:
            return read_trailer();
        case State::done:
            break;
    }
    return false;
}

std::optional<std::string_view> RuntimeRequestParser::line() {
    const std::size_t end = in_.find('\n', at_);
    const std::size_t size = (end == std::string::npos ? in_.size() : end + 1) - at_;
    if (size > head_bytes_max) fail();
    if (malformed_ || end == std::string::npos) return std::nullopt;
    std::string_view text = std::string_view(in_).substr(at_, end - at_);
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    at_ = end + 1;
    return text;
}

bool RuntimeRequestParser::read_head() {
    const auto text = line();
    if (!text) return false;
    head_bytes_ += text->size() + 2;
    if (head_bytes_ > head_bytes_max) return fail();
    if (!started_) {
        if (text->empty()) return true;  // RFC 9112, section 2.2
        started_ = true;
        return request_line(*text) || fail();
    }
    if (!text->empty()) return header_line(*text) || fail();
    if (chunked_ && has_length_) return fail();
    state_ = chunked_ ? State::chunk_size : left_ > 0 ? State::body : State::done;
    return true;
}

bool RuntimeRequestParser::request_line(std::string_view text) {
    const std::size_t first = text.find(' ');
    const std::size_t last = text.rfind(' ');
    if (first == std::string_view::npos || first == last || first == 0) return false;
    const std::string_view version = text.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
    request_.method = text.substr(0, first);
    const std::string_view target = text.substr(first + 1, last - first - 1);
    request_.path = target.substr(0, target.find('?'));
    request_.keep_alive = version == "HTTP/1.1";
    return !request_.path.empty() && request_.path.front() == '/';
}

bool RuntimeRequestParser::header_line(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    const std::string name = lower(text.substr(0, colon));
    const std::string_view value = trimmed(text.substr(colon + 1));
    if (name == "content-length") {
        if (has_length_ || !parse(value, left_, 10) || left_ > skipped_bytes_max) return false;
        has_length_ = true;
    } else if (name == "transfer-encoding") {
        if (lower(value) != "chunked") return false;
        chunked_ = true;
    } else if (name == "connection") {
        if (lower(value) == "close") request_.keep_alive = false;
    } else if (name == "expect") {
        expects_continue_ = lower(value) == "100-continue";
    } else if (name == "lambda-runtime-function-error-type") {
        request_.error_type = value.substr(0, 256);
    }
    return true;
}

void RuntimeRequestParser::keep(std::string_view bytes) {
    const std::size_t room = body_bytes_max_ - request_.body.size();
    request_.body += bytes.substr(0, room);
    if (bytes.size() > room) request_.body_too_large = true;
}

bool RuntimeRequestParser::read_body() {
    const std::size_t size = std::min(left_, in_.size() - at_);
    if (size == 0) return false;
    keep(std::string_view(in_).substr(at_, size));
    at_ += size;
    left_ -= size;
    total_ += size;
    if (total_ > skipped_bytes_max) return fail();
    if (left_ == 0) state_ = state_ == State::body ? State::done : State::chunk_end;
    return true;
}

bool RuntimeRequestParser::read_chunk_size() {
    const auto text = line();
    if (!text) return false;
    const std::string_view digits = trimmed(text->substr(0, text->find(';')));
    if (digits.size() > 8 || !parse(digits, left_, 16) || left_ > skipped_bytes_max) return fail();
    state_ = left_ == 0 ? State::trailer : State::chunk_data;
    head_bytes_ = 0;
    return true;
}

bool RuntimeRequestParser::read_trailer() {
    const auto text = line();
    if (!text) return false;
    head_bytes_ += text->size() + 2;
    if (text->starts_with("Lambda-Runtime-Function-Error-Type:")) header_line(*text);
    if (head_bytes_ > trailer_bytes_max) return fail();
    if (text->empty()) state_ = State::done;
    return true;
}

std::string runtime_response(unsigned status, std::string_view head, std::string_view content_type, std::string_view body) {
    std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
    out += reason(status);
    out += "\r\nContent-Type: ";
    out += content_type;
    out += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    out += head;
    out += "\r\n";
    out += body;
    return out;
}

}  // namespace fogbank::lambda
