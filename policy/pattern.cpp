#include "policy/detail/pattern.h"

#include <algorithm>
#include <array>

#include "policy/document.h"

namespace fogbank::policy {
namespace {

constexpr std::size_t arn_colons = 5;

/// A character is a byte and the UTF-8 continuation bytes that follow it; text that is not UTF-8 still has an end.
std::size_t next_character(std::string_view text, std::size_t at) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    return at;
}

}  // namespace

Pattern Pattern::from_wildcards(std::string_view text) {
    Pattern out;
    for (const char c : text) {
        if (c == '*') {
            out.add_any_run();
        } else if (c == '?') {
            out.add_any_character();
        } else {
            out.add_literal({&c, 1});
        }
    }
    out.prepare();
    return out;
}

void Pattern::add_literal(std::string_view text) {
    for (const char c : text) tokens_.push_back(static_cast<unsigned char>(c));
}

void Pattern::add_any_run() {
    if (!tokens_.empty() && tokens_.back() == any_run) return;  // `**` is `*`
    tokens_.push_back(any_run);
    ++wildcards_;
}

void Pattern::add_any_character() {
    tokens_.push_back(any_character);
    ++wildcards_;
}

void Pattern::prepare() {
    const auto first_wildcard = std::find_if(tokens_.begin(), tokens_.end(), [](Token t) { return t >= any_run; });
    prefix_.clear();
    for (auto it = tokens_.begin(); it != first_wildcard; ++it) prefix_.push_back(static_cast<char>(*it));
    only_run_follows_ = prefix_.size() + 1 == tokens_.size() && tokens_.back() == any_run;
    colons_.clear();
    for (std::size_t i = 0; i < tokens_.size() && colons_.size() < arn_colons; ++i) {
        if (tokens_[i] == ':') colons_.push_back(i);
    }
    if (colons_.size() < arn_colons || colons_.back() < prefix_.size()) colons_.clear();
}

bool Pattern::match(const Token* pattern, const Token* pattern_end, std::string_view text) {
    // On a mismatch the last run takes one more character; earlier runs never need to be tried again, so this is not exponential.
    const Token* after_run = nullptr;
    std::size_t at = 0;
    std::size_t run_end = 0;
    while (at < text.size()) {
        if (pattern != pattern_end && *pattern == any_run) {
            after_run = ++pattern;
            run_end = at;
        } else if (pattern != pattern_end && *pattern == any_character) {
            ++pattern;
            at = next_character(text, at);
        } else if (pattern != pattern_end && *pattern == static_cast<unsigned char>(text[at])) {
            ++pattern;
            ++at;
        } else if (after_run != nullptr) {
            pattern = after_run;
            at = run_end = next_character(text, run_end);
        } else {
            return false;
        }
    }
    while (pattern != pattern_end && *pattern == any_run) ++pattern;
    return pattern == pattern_end;
}

bool Pattern::matches(std::string_view text) const {
    if (!text.starts_with(prefix_)) return false;
    if (is_literal()) return text.size() == prefix_.size();
    if (only_run_follows_) return true;
    return match(tokens_.data() + prefix_.size(), tokens_.data() + tokens_.size(), text.substr(prefix_.size()));
}

bool Pattern::matches_arn(std::string_view arn) const {
    if (colons_.empty()) return matches(arn);
    const Token* from = tokens_.data();
    for (const std::size_t colon : colons_) {
        const std::size_t end = arn.find(':');
        if (end == std::string_view::npos || !match(from, tokens_.data() + colon, arn.substr(0, end))) return false;
        from = tokens_.data() + colon + 1;
        arn.remove_prefix(end + 1);
    }
    return match(from, tokens_.data() + tokens_.size(), arn);
}

std::string Pattern::text() const {
    std::string out;
    out.reserve(tokens_.size());
    for (const Token t : tokens_) out.push_back(t == any_run ? '*' : t == any_character ? '?' : static_cast<char>(t));
    return out;
}

bool wildcard_match(std::string_view pattern, std::string_view text) {
    return Pattern::from_wildcards(pattern).matches(text);
}

}  // namespace fogbank::policy
