#include "registry/index_query.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/encoding.h"
#include "policy/document.h"

namespace fogbank::registry {

namespace {

constexpr std::size_t depth_max = 32;             // Fogbank: no query within AWS's limits nests deeper
constexpr std::ptrdiff_t stars_per_term_max = 2;  // AWS IoT Device Management quotas, fleet indexing
constexpr std::ptrdiff_t questions_per_term_max = 5;
constexpr std::size_t leading_wildcard_bytes_max = 100;
constexpr std::string_view unsupported = "`@#%\\/';,";

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::optional<double> number_of(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

/// One end of a range.
struct Bound {
    std::string text;  ///< lower case
    std::optional<double> number;
    bool open = false;  ///< no bound on this side
    bool inclusive = true;
};

Bound make_bound(std::string_view text, bool inclusive) {
    Bound out;
    out.text = lower(text);
    out.number = number_of(text);
    out.open = text == "*";
    out.inclusive = inclusive;
    return out;
}

/// < 0: the field's value is below the bound. Numbers compare as numbers where both are.
int compare(const IndexField& field, const Bound& bound) {
    if (field.number && bound.number) return *field.number < *bound.number ? -1 : *field.number > *bound.number ? 1 : 0;
    return lower(field.text).compare(bound.text);
}

bool above(const IndexField& field, const Bound& low) {
    const int order = low.open ? 1 : compare(field, low);
    return order > 0 || (order == 0 && low.inclusive);
}
bool below(const IndexField& field, const Bound& high) {
    const int order = high.open ? -1 : compare(field, high);
    return order < 0 || (order == 0 && high.inclusive);
}

}  // namespace

/// A node of the query: a connective with its parts, or a test of one field's values.
struct IndexQueryNode {
    enum class Kind : std::uint8_t { all, any, none, exists, equal, wildcard, range };
    Kind kind = Kind::all;
    std::vector<std::shared_ptr<const IndexQueryNode>> parts;  ///< of all, any; the one of none
    std::string field;                                         ///< empty: any
    std::string text;                                          ///< lower case
    std::optional<double> number;
    Bound low, high;

    bool holds(const IndexField& value) const {
        switch (kind) {
            case Kind::exists:
                return true;
            case Kind::equal:
                return lower(value.text) == text || (number && value.number && *number == *value.number);
            case Kind::wildcard:
                return policy::wildcard_match(text, lower(value.text));
            case Kind::range:
                return above(value, low) && below(value, high);
            default:
                return false;
        }
    }

    bool matches(const IndexDocument& document) const {
        switch (kind) {
            case Kind::all:
                return std::all_of(parts.begin(), parts.end(), [&](const auto& part) { return part->matches(document); });
            case Kind::any:
                return std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return part->matches(document); });
            case Kind::none:
                return !parts.front()->matches(document);
            default:
                return std::any_of(document.begin(), document.end(), [&](const IndexField& value) { return names(value) && holds(value); });
        }
    }

  private:
    bool names(const IndexField& value) const {
        if (field.empty() || value.name == field) return true;
        // `shadow.reported.a:*` holds for an object `a` too.
        return kind == Kind::exists && value.name.size() > field.size() && value.name.starts_with(field) && value.name[field.size()] == '.';
    }
};

namespace {

using Node = std::shared_ptr<const IndexQueryNode>;
using Kind = IndexQueryNode::Kind;

struct Token {
    enum class Kind : std::uint8_t {
        end,
        word,
        phrase,
        open,
        close,
        colon,
        range_open,
        range_close,
        less,
        less_equal,
        greater,
        greater_equal,
        minus
    };
    Kind kind = Kind::end;
    std::string text;
    std::size_t at = 0;
};

Error fault(std::size_t at, std::string_view what) {
    return {Errc::invalid_query, "Invalid query at character " + std::to_string(at + 1) + ": " + std::string(what)};
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool ends_word(char c) {
    return is_space(c) || std::string_view("():[]{}<>\"").find(c) != std::string_view::npos;
}

class Lexer {
  public:
    explicit Lexer(std::string_view text) : text_(text) {}

    Result<std::vector<Token>> run() {
        std::vector<Token> out;
        for (;;) {
            while (at_ < text_.size() && is_space(text_[at_])) ++at_;
            auto token = next();
            if (!token) return token.error();
            out.push_back(std::move(*token));
            if (out.back().kind == Token::Kind::end) return out;
        }
    }

  private:
    Token make(Token::Kind kind, std::size_t length) {
        Token out{kind, std::string(text_.substr(at_, length)), at_};
        at_ += length;
        return out;
    }

    Result<Token> next() {
        if (at_ >= text_.size()) return Token{Token::Kind::end, "", at_};
        const bool equal_follows = text_.substr(at_ + 1, 1) == "=";
        switch (text_[at_]) {
            case '(':
                return make(Token::Kind::open, 1);
            case ')':
                return make(Token::Kind::close, 1);
            case ':':
                return make(Token::Kind::colon, 1);
            case '[':
            case '{':
                return make(Token::Kind::range_open, 1);
            case ']':
            case '}':
                return make(Token::Kind::range_close, 1);
            case '<':
                return equal_follows ? make(Token::Kind::less_equal, 2) : make(Token::Kind::less, 1);
            case '>':
                return equal_follows ? make(Token::Kind::greater_equal, 2) : make(Token::Kind::greater, 1);
            case '"':
                return phrase();
            case '-':
                // A minus that stands before something negates it; one before a digit may be a number's, which the parser decides.
                return make(Token::Kind::minus, 1);
            default:
                return word();
        }
    }

    Result<Token> phrase() {
        const std::size_t begin = at_;
        const std::size_t end = text_.find('"', begin + 1);
        if (end == std::string_view::npos) return fault(begin, "a quotation mark is not closed");
        Token out{Token::Kind::phrase, std::string(text_.substr(begin + 1, end - begin - 1)), begin};
        at_ = end + 1;
        return out;
    }

    Result<Token> word() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && !ends_word(text_[at_])) {
            if (unsupported.find(text_[at_]) != std::string_view::npos)
                return fault(at_, "the character is not supported outside of quotation marks");
            ++at_;
        }
        return Token{Token::Kind::word, std::string(text_.substr(begin, at_ - begin)), begin};
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

class Parser {
  public:
    Parser(std::vector<Token> tokens, const Quotas& quotas) : tokens_(std::move(tokens)), quotas_(quotas) {}

    Result<Node> run() {
        auto out = any("");
        if (!out) return out;
        if (!at_end()) return fault(now().at, "unexpected `" + now().text + "`");
        return out;
    }
    std::vector<std::string> fields;

  private:
    const Token& now() const { return tokens_[at_]; }
    bool at_end() const { return now().kind == Token::Kind::end; }
    bool take(Token::Kind kind) {
        if (now().kind != kind) return false;
        ++at_;
        return true;
    }
    bool is_word(std::string_view text) const { return now().kind == Token::Kind::word && now().text == text; }
    bool take_word(std::string_view text) {
        if (!is_word(text)) return false;
        ++at_;
        return true;
    }

    static Node join(Kind kind, std::vector<Node> parts) {
        if (parts.size() == 1) return parts.front();
        auto out = std::make_shared<IndexQueryNode>();
        out->kind = kind;
        out->parts = std::move(parts);
        return out;
    }

    /// OR binds least. `field`: the one that a group was opened for, empty outside of one.
    Result<Node> any(const std::string& field) {
        if (++depth_ > depth_max) return fault(now().at, "too many parentheses");
        std::vector<Node> parts;
        do {
            auto part = all(field);
            if (!part) return part;
            parts.push_back(std::move(*part));
        } while (take_word("OR"));
        --depth_;
        return join(Kind::any, std::move(parts));
    }

    Result<Node> all(const std::string& field) {
        std::vector<Node> parts;
        do {
            auto part = negation(field);
            if (!part) return part;
            parts.push_back(std::move(*part));
            if (take_word("AND")) continue;
            if (at_end() || now().kind == Token::Kind::close || is_word("OR")) break;
        } while (true);
        return join(Kind::all, std::move(parts));
    }

    Result<Node> negation(const std::string& field) {
        bool negated = false;
        while (take_word("NOT") || take(Token::Kind::minus)) negated = !negated;
        auto part = primary(field);
        if (!part || !negated) return part;
        auto out = std::make_shared<IndexQueryNode>();
        out->kind = Kind::none;
        out->parts = {std::move(*part)};
        return Node(std::move(out));
    }

    Result<Node> primary(const std::string& field) {
        const Token& token = now();
        if (take(Token::Kind::open)) return group(field);
        if (token.kind != Token::Kind::word && token.kind != Token::Kind::phrase) return value(field);
        const Token::Kind after = tokens_[at_ + 1].kind;
        const bool names_field = field.empty() && token.kind == Token::Kind::word &&
                                 (after == Token::Kind::colon || (after >= Token::Kind::less && after <= Token::Kind::greater_equal));
        if (!names_field) return value(field);
        const std::string name = token.text;
        ++at_;
        take(Token::Kind::colon);
        if (take(Token::Kind::open)) return group(name);
        return value(name);
    }

    Result<Node> group(const std::string& field) {
        auto out = any(field);
        if (!out) return out;
        if (!take(Token::Kind::close)) return fault(now().at, "a parenthesis is not closed");
        return out;
    }

    /// What a field is compared with: a range, a comparison, a word, a phrase.
    Result<Node> value(const std::string& field) {
        if (++terms_ > quotas_[Quota::index_query_terms])
            return fault(now().at, "more than " + std::to_string(quotas_[Quota::index_query_terms]) + " terms");
        fields.push_back(field);
        auto out = std::make_shared<IndexQueryNode>();
        out->field = field;
        const Token token = now();
        if (token.kind == Token::Kind::range_open) return range(std::move(out));
        if (token.kind >= Token::Kind::less && token.kind <= Token::Kind::greater_equal) return comparison(std::move(out));
        if (token.kind == Token::Kind::phrase) {
            ++at_;
            return equal(std::move(out), token.text);
        }
        auto text = operand();
        if (!text) return text.error();
        if (*text == "*") {
            out->kind = Kind::exists;
            return Node(std::move(out));
        }
        if (text->find_first_of("*?") == std::string::npos) return equal(std::move(out), *text);
        return wildcard(std::move(out), *text, token.at);
    }

    static Result<Node> equal(std::shared_ptr<IndexQueryNode> out, std::string_view text) {
        out->kind = Kind::equal;
        out->text = lower(text);
        out->number = number_of(text);
        return Node(std::move(out));
    }

    Result<Node> wildcard(std::shared_ptr<IndexQueryNode> out, std::string_view text, std::size_t at) {
        if (std::count(text.begin(), text.end(), '*') > stars_per_term_max) return fault(at, "more than 2 `*` in a term");
        if (std::count(text.begin(), text.end(), '?') > questions_per_term_max) return fault(at, "more than 5 `?` in a term");
        if (text.front() == '*' || text.front() == '?') {
            if (leading_wildcards_++ > 0) return fault(at, "more than one term begins with a wildcard");
            if (text.size() > leading_wildcard_bytes_max)
                return fault(at, "a term that begins with a wildcard is longer than 100 characters");
        }
        out->kind = Kind::wildcard;
        out->text = lower(text);
        return Node(std::move(out));
    }

    /// A word, or a number with its sign.
    Result<std::string> operand() {
        if (is_word("AND") || is_word("OR")) return fault(now().at, "a value is expected, not `" + now().text + "`");
        const bool negative = take(Token::Kind::minus);
        if (now().kind != Token::Kind::word && now().kind != Token::Kind::phrase)
            return fault(now().at, at_end() ? "the query ends where a value is expected" : "a value is expected, not `" + now().text + "`");
        std::string text = (negative ? "-" : "") + now().text;
        ++at_;
        return text;
    }

    Result<Node> range(std::shared_ptr<IndexQueryNode> out) {
        const bool low_inclusive = now().text == "[";
        ++at_;
        const auto low = operand();
        if (!low) return low.error();
        if (!take_word("TO")) return fault(now().at, "`TO` is expected in a range");
        const auto high = operand();
        if (!high) return high.error();
        const bool high_inclusive = now().text == "]";
        if (!take(Token::Kind::range_close)) return fault(now().at, "a range is not closed");
        out->kind = Kind::range;
        out->low = make_bound(*low, low_inclusive);
        out->high = make_bound(*high, high_inclusive);
        return Node(std::move(out));
    }

    Result<Node> comparison(std::shared_ptr<IndexQueryNode> out) {
        const Token::Kind kind = now().kind;
        const std::size_t at = now().at;
        ++at_;
        const auto text = operand();
        if (!text) return text.error();
        if (out->field.empty()) return fault(at, "a comparison needs a field");
        const bool inclusive = kind == Token::Kind::less_equal || kind == Token::Kind::greater_equal;
        const bool upper = kind == Token::Kind::less || kind == Token::Kind::less_equal;
        out->kind = Kind::range;
        out->low = upper ? make_bound("*", true) : make_bound(*text, inclusive);
        out->high = upper ? make_bound(*text, inclusive) : make_bound("*", true);
        return Node(std::move(out));
    }

    std::vector<Token> tokens_;
    const Quotas& quotas_;
    std::size_t at_ = 0, depth_ = 0;
    std::int64_t terms_ = 0;
    int leading_wildcards_ = 0;
};

}  // namespace

Result<IndexQuery> IndexQuery::parse(std::string_view text, const Quotas& quotas) {
    if (!is_valid_utf8(text)) return Error(Errc::invalid_query, "Invalid query: it is not UTF-8");
    const auto limit = quotas.bytes(Quota::index_query_characters);
    if (text.size() > limit) return Error(Errc::invalid_query, "Invalid query: more than " + std::to_string(limit) + " characters");
    auto tokens = Lexer(text).run();
    if (!tokens) return tokens.error();
    if (tokens->size() == 1) return Error(Errc::invalid_query, "Invalid query: it is empty");
    Parser parser(std::move(*tokens), quotas);
    auto root = parser.run();
    if (!root) return root.error();
    IndexQuery out;
    out.root_ = std::move(*root);
    out.fields_ = std::move(parser.fields);
    return out;
}

bool IndexQuery::matches(const IndexDocument& document) const {
    return root_->matches(document);
}

namespace {

/// Whole numbers and fractions alike: what compares as equal is one text.
std::string number_value(double number) {
    char text[40];
    const auto end = std::to_chars(text, text + sizeof(text), number == 0 ? 0.0 : number).ptr;
    return "n" + std::string(text, end);
}
std::string text_value(std::string_view text) {
    return "t" + lower(text);
}

bool is_indexed(std::string_view field) {
    return field == "thingName" || field == "thingTypeName" || field.starts_with("attributes.");
}

/// The text before the only wildcard, if that is a `*` at the end.
std::optional<std::string_view> literal_beginning(std::string_view pattern) {
    if (pattern.size() < 2 || pattern.find_first_of("*?") != pattern.size() - 1 || pattern.back() != '*') return std::nullopt;
    return pattern.substr(0, pattern.size() - 1);
}

/// How few things a lookup is likely to find; there is one of a name, and a value is less than all that begin with it.
int rank(const IndexLookup& lookup) {
    return (lookup.prefix ? 0 : 2) + (lookup.term.field == "thingName" ? 1 : 0);
}

std::optional<IndexLookup> lookup_of(const IndexQueryNode& node) {
    if (node.kind == Kind::equal && is_indexed(node.field)) {
        // A value that is equal as a text reads as the same number.
        return IndexLookup{{node.field, node.number ? number_value(*node.number) : "t" + node.text}, false};
    }
    if (node.kind == Kind::wildcard && is_indexed(node.field)) {
        const auto beginning = literal_beginning(node.text);
        if (beginning) return IndexLookup{{node.field, "t" + std::string(*beginning)}, true};
    }
    if (node.kind != Kind::all) return std::nullopt;
    std::optional<IndexLookup> best;
    for (const auto& part : node.parts) {
        auto one = lookup_of(*part);
        if (one && (!best || rank(*one) > rank(*best))) best = std::move(one);
    }
    return best;
}

}  // namespace

std::vector<IndexTerm> IndexTerm::of(const std::string& field, std::string_view text) {
    std::vector<IndexTerm> out{{field, text_value(text)}};
    if (const auto number = number_of(text)) out.push_back({field, number_value(*number)});
    return out;
}

std::optional<IndexLookup> IndexQuery::lookup() const {
    return lookup_of(*root_);
}

bool IndexQuery::asks_for(std::string_view prefix) const {
    return std::any_of(fields_.begin(), fields_.end(),
                       [&](const std::string& field) { return field.empty() || field.starts_with(prefix); });
}

}  // namespace fogbank::registry
