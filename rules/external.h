/// Functions of IoT SQL that ask other services: aws_lambda, get_dynamodb, get_registry_data, get_secret, get_thing_shadow and
/// decode(…, 'proto', …). Source: AWS IoT Developer Guide, "Functions" (reference "rules-sql", sections 9.3 and 9.6).
///
/// Evaluation itself never waits. A statement that uses such functions is run again and again: each run stops at the first question that
/// has no answer yet, the caller of `run` gets it answered, and the next run comes one question further. So that all runs agree, they see
/// the same random numbers and the same time (`ExternalSession`). Statements without such functions run once and know nothing of this.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/message_context.h"

namespace fogbank::rules::sql {

enum class External : std::uint8_t { lambda, table, registry, secret, shadow, object };
inline constexpr std::size_t externals_count = 6;

/// Questions in one evaluation. Fogbank's own bound.
inline constexpr std::size_t external_calls_max = 16;

/// One question. What the arguments are:
///   lambda    function (name or ARN), event as JSON                        answer: JSON
///   table     table, key name, key value as JSON [, name, value]           answer: the item as plain JSON; empty if there is none
///   registry  `DescribeThing` or `ListThingGroupsForThing`, thing          answer: JSON
///   secret    id (name or ARN)                                             answer: {"SecretString": …} or {"SecretBinary": base64}
///   shadow    thing, shadow name or empty                                  answer: the document
///   object    bucket, key                                                  answer: the object's bytes
struct ExternalRequest {
    ExternalRequest(External asked, std::vector<std::string> given) : service(asked), arguments(std::move(given)) {}
    External service;
    std::vector<std::string> arguments;
    friend bool operator==(const ExternalRequest&, const ExternalRequest&) = default;
};

struct ExternalAnswer {
    bool failed = false;
    std::string text;  ///< the answer, or why it failed
};

/// Why a service cannot be asked here; empty: it can. Statements that use one that cannot are refused when they are made.
using WhyNoExternal = std::array<std::string, externals_count>;

/// The questions and answers of one evaluation, over all its runs. One thread at a time.
class ExternalCalls {
  public:
    /// The answer to the next question of this run, valid until the next `answer`; null if it is not there yet: then `wanted()` is the
    /// question. A question that differs from that of an earlier run drops the answers from there on.
    const ExternalAnswer* next(ExternalRequest request);
    const std::optional<ExternalRequest>& wanted() const { return wanted_; }
    void answer(ExternalAnswer answer);
    /// Before each run.
    void restart();

    /// Answers that are known from elsewhere, looked up by their question: templates are expanded with what was asked for them beforehand.
    struct Known {
        ExternalRequest request;
        ExternalAnswer answer;
    };
    using Answers = std::vector<Known>;
    void prime(const Answers* answers) { primed_ = answers; }  ///< outlives this
    /// Moves what was answered so far to the end of `out`.
    void take(Answers& out);

    /// How often this run has asked `service`.
    std::size_t asked(External service) const;
    std::size_t asked() const { return at_; }

  private:
    Answers known_;
    const Answers* primed_ = nullptr;
    std::size_t at_ = 0;
    std::optional<ExternalRequest> wanted_;
};

/// Plays the same bytes in each run.
class ReplayedRandom final : public RandomSource {
  public:
    explicit ReplayedRandom(RandomSource& source) : source_(source) {}
    void fill(std::span<std::uint8_t> out) override;
    void restart() { at_ = 0; }

  private:
    RandomSource& source_;
    std::vector<std::uint8_t> drawn_;
    std::size_t at_ = 0;
};

class StoppedClock final : public Clock {
  public:
    explicit StoppedClock(const Clock& clock) : wall_(clock.now()), steady_(clock.steady()) {}
    WallTime now() const override { return wall_; }
    SteadyTime steady() const override { return steady_; }

  private:
    WallTime wall_;
    SteadyTime steady_;
};

/// What the runs of one evaluation share.
class ExternalSession {
  public:
    explicit ExternalSession(const Environment& outer)
        : clock_(outer.clock), random_(outer.random), environment_{clock_, random_, outer.account_id} {}
    ExternalSession(const ExternalSession&) = delete;
    ExternalSession& operator=(const ExternalSession&) = delete;

    const Environment& environment() const { return environment_; }
    ExternalCalls& calls() { return calls_; }
    void restart() {
        calls_.restart();
        random_.restart();
    }

  private:
    StoppedClock clock_;
    ReplayedRandom random_;
    Environment environment_;
    ExternalCalls calls_;
};

}  // namespace fogbank::rules::sql
