/// The functions of IoT SQL: one table of name, arity, version and implementation. Source: AWS IoT Developer Guide, "Functions"
/// (reference "rules-sql", section 9).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/message_context.h"
#include "rules/value.h"

namespace fogbank::rules::sql {

class ExternalCalls;
enum class External : std::uint8_t;

/// How a function that asked another service ends a run (rules/external.h).
struct ExternalOutcome {
    bool waiting = false;                ///< the question has no answer yet
    std::optional<std::string> failure;  ///< the service failed: the rule does not run
};

struct CallContext {
    Version version = Version::v2015_10_08;
    MessageContext* message = nullptr;         ///< null while constants are folded; only functions that are not `constant` may read it
    const Environment* environment = nullptr;  ///< as `message`
    ExternalCalls* externals = nullptr;        ///< null: functions that ask other services fail
    ExternalOutcome* outcome = nullptr;        ///< set whenever `externals` may be asked
};
using Arguments = std::span<const Value>;

inline constexpr std::uint8_t any_number = 255;

/// A row of the table. `call` gets a number of arguments within the arity and answers Undefined for those of the wrong type.
struct Function {
    std::string_view name;  ///< lower case; calls may be written in any case
    std::uint8_t arguments_min, arguments_max;
    Version since;
    bool constant;      ///< the same arguments give the same result, so calls of constants are folded
    bool raw_argument;  ///< whether the first argument may be `*`: then it is the payload's bytes as a String
    Value (*call)(const CallContext& context, Arguments arguments);
    std::optional<External> external = std::nullopt;  ///< the service that it asks; such a function is never `constant`
    bool catches = false;                             ///< a failed service in its first argument is Undefined, not the end of the run
};

/// @param name  in any case. @return null if there is no such function.
const Function* find_function(std::string_view name);

/// Why a documented function is not in the table, for the error message; empty for names that AWS does not document.
std::string_view why_unavailable(std::string_view name);

// The groups, one file each; find_function searches them.
std::span<const Function> number_functions();
std::span<const Function> string_functions();
std::span<const Function> regexp_functions();
std::span<const Function> json_functions();
std::span<const Function> encoding_functions();
std::span<const Function> message_functions();
std::span<const Function> time_functions();
std::span<const Function> external_functions();

// What several groups share.

/// The argument as a number rounded down, or nothing: for positions and counts; clamped to `min`..`max`.
std::optional<std::int64_t> clamped_integer(const Value& value, std::int64_t min, std::int64_t max);
/// The implicit conversion to Int (section 4): a Decimal is rounded to the nearest, a String is truncated.
std::optional<Decimal> to_integer(const Value& value);
/// The value of JSON text, which owns all it holds; nothing if it is not JSON. A bare scalar counts.
std::optional<Value> value_of_json(std::string_view json, Version version);
/// Lower-case hex of MD2 (RFC 1319), which OpenSSL no longer has.
std::string md2_hex(std::string_view text);
/// `bytes` as the message `type` of `file` in a serialized FileDescriptorSet, as JSON text. Errors: why not, as text in `failure`.
std::optional<std::string> protobuf_to_json(std::string_view bytes, std::string_view descriptor_set, std::string_view file,
                                            std::string_view type, std::string& failure);
/// Asks, or reports through `context.outcome` that the run cannot go on; then nothing.
std::optional<std::string> ask(const CallContext& context, External service, std::vector<std::string> arguments);
/// Ends the run: an external function was misused.
Value external_failure(const CallContext& context, std::string why);
/// A String result, Undefined if it is longer than `value_bytes_max`.
Value bounded_string(std::string text);

/// cast(value AS type) for numbers and the rest (section 4.1) is in operators.h.

}  // namespace fogbank::rules::sql
