/// Text with wildcards, prepared for matching. Source: IAM User Guide, "IAM JSON policy elements: Resource" (`*` any run of characters, `?`
/// one).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fogbank::policy {

/// Literal characters and wildcards. What a policy variable was replaced by is literal whatever characters it has.
class Pattern {
  public:
    Pattern() = default;
    /// Where `*` and `?` are wildcards.
    static Pattern from_wildcards(std::string_view text);

    void add_literal(std::string_view text);
    void add_any_run();        ///< `*`
    void add_any_character();  ///< `?`

    /// Call once after the last add. Not needed for `text` and `is_literal`.
    void prepare();

    /// Whether the whole of `text` is matched. No allocation. Linear for patterns with one `*`; at most length times length otherwise.
    bool matches(std::string_view text) const;
    /// As `matches` for ARNs: the five parts before the resource are matched one by one, so that a `*` in the region cannot swallow the
    /// resource type. Patterns without six parts match the whole text.
    bool matches_arn(std::string_view arn) const;

    bool is_literal() const { return wildcards_ == 0; }
    /// What every matching text begins with. Valid after prepare().
    const std::string& literal_prefix() const { return prefix_; }
    /// The characters; wildcards as `*` and `?`.
    std::string text() const;

  private:
    using Token = std::uint16_t;  ///< a byte, or one of the wildcards
    static constexpr Token any_run = 0x100, any_character = 0x101;
    static bool match(const Token* pattern, const Token* pattern_end, std::string_view text);

    std::vector<Token> tokens_;
    std::size_t wildcards_ = 0;
    std::string prefix_;               ///< the literal characters up to the first wildcard
    bool only_run_follows_ = false;    ///< `prefix*`, the commonest form
    std::vector<std::size_t> colons_;  ///< positions of the first five colons if a wildcard stands before the fifth, else empty
};

}  // namespace fogbank::policy
