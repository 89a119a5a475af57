/// Identifiers as types, so that a client id cannot be passed where a thing name is meant. Each holds the text as AWS or MQTT defines it;
/// holding one does not mean that its pattern was checked, the function that takes it from a user checks.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace fogbank {

template <class Tag>
class StrongString {
  public:
    StrongString() = default;
    explicit StrongString(std::string text) : text_(std::move(text)) {}
    explicit StrongString(std::string_view text) : text_(text) {}
    explicit StrongString(const char* text) : text_(text) {}
    const std::string& str() const { return text_; }
    std::string_view view() const { return text_; }
    bool empty() const { return text_.empty(); }
    friend auto operator<=>(const StrongString&, const StrongString&) = default;
    friend bool operator==(const StrongString&, const StrongString&) = default;

  private:
    std::string text_;
};

using AccountId = StrongString<struct AccountIdTag>;          ///< 12 digits
using Region = StrongString<struct RegionTag>;                ///< us-east-1
using ClientId = StrongString<struct ClientIdTag>;            ///< MQTT client id, UTF-8, at most 128 bytes in profile aws
using ThingName = StrongString<struct ThingNameTag>;          ///< [a-zA-Z0-9:_-]{1,128}
using CertificateId = StrongString<struct CertificateIdTag>;  ///< SHA-256 of the DER, 64 lower-case hex digits
using PolicyName = StrongString<struct PolicyNameTag>;        ///< [\w+=,.@-]{1,128}
using RuleName = StrongString<struct RuleNameTag>;            ///< [a-zA-Z0-9_]{1,128}
using FunctionName = StrongString<struct FunctionNameTag>;    ///< [a-zA-Z0-9-_]{1,64}
using TableName = StrongString<struct TableNameTag>;          ///< [a-zA-Z0-9_.-]{3,255}

}  // namespace fogbank

template <class Tag>
struct std::hash<fogbank::StrongString<Tag>> {
    std::size_t operator()(const fogbank::StrongString<Tag>& id) const noexcept { return std::hash<std::string>{}(id.str()); }
};
