// Any bytes as the payload of a message that a fixed set of statements is run on. The parser must agree with nlohmann::json about what is
// JSON and what it says; ways of reading the same value must agree with each other; every statement must end, and its output be readable
// again.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "rules/detail/fuzz_fakes.h"
#include "rules/statement.h"

namespace {

using namespace fogbank;
using nlohmann::json;
using rules::FixedClock;
using rules::FixedRandom;

constexpr std::size_t sql_bytes_max = 128 * 1024;

/// nlohmann::json's reading, and what makes it no judge: duplicate keys (either may win), numbers that no double holds.
struct Oracle {
    bool valid = false, fair = true;
    std::size_t depth = 0;
    json value;
};

class Watcher final : public nlohmann::json_sax<json> {
  public:
    explicit Watcher(Oracle& out) : out_(out) {}
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return enter(); }
    bool key(string_t& key) override {
        if (!keys_.back().insert(key).second) out_.fair = false;
        return true;
    }
    bool end_object() override { return leave(); }
    bool start_array(std::size_t) override { return enter(); }
    bool end_array() override { return leave(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
        if (error.id == 406) out_.fair = false;  // a number out of range
        return false;
    }

  private:
    bool enter() {
        keys_.emplace_back();
        out_.depth = std::max(out_.depth, keys_.size());
        return true;
    }
    bool leave() {
        keys_.pop_back();
        return true;
    }
    Oracle& out_;
    std::vector<std::set<std::string>> keys_;
};

Oracle judge(std::string_view text) {
    Oracle out;
    // nlohmann::json skips a byte order mark and takes a NUL for the end.
    if (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string_view::npos) out.fair = false;
    Watcher watcher(out);
    out.valid = json::sax_parse(text, &watcher);
    if (out.valid) out.value = json::parse(text, nullptr, false);
    return out;
}

bool same(const json& a, const json& b) {
    if (a.is_number() && b.is_number()) {
        const double x = a.get<double>();
        const double y = b.get<double>();
        return x == y || std::abs(x - y) <= 1e-12 * std::max(std::abs(x), std::abs(y));
    }
    if (a.is_array() && b.is_array())
        return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const json& x, const json& y) { return same(x, y); });
    if (a.is_object() && b.is_object()) {
        return a.size() == b.size() && std::equal(a.items().begin(), a.items().end(), b.items().begin(), [](const auto& x, const auto& y) {
                   return x.key() == y.key() && same(x.value(), y.value());
               });
    }
    return a == b;
}

struct Case {
    std::string_view sql;
    std::string_view also;  ///< must say the same
};

constexpr Case cases[] = {
    {"SELECT * FROM 't'", "SELECT *, 0 AS zz FROM 't'"},
    {"SELECT VALUE a FROM 't'", "SELECT VALUE get(*, 'a') FROM 't'"},
    {"SELECT VALUE a.b FROM 't'", "SET @x = a SELECT VALUE @x.b FROM 't'"},
    {"SELECT a, b.c AS d.e, a.b AS f FROM 't' WHERE isNull(a) = false OR isUndefined(b)", ""},
    {"SELECT *, a + 1 AS n, a * b AS m, -b AS k, a / 3 AS q, a % 7 AS r FROM 't' WHERE a <> b OR a = a", ""},
    {"SELECT (SELECT VALUE v FROM c WHERE v > 20) AS some, (SELECT n, v AS w FROM c) AS all FROM 't' WHERE EXISTS (SELECT * FROM c)", ""},
    {"SELECT CAST(a AS String) AS s, CAST(a AS Decimal) AS d, CAST(a AS Int) AS i, CAST(a AS Boolean) AS t FROM 't'", ""},
    {"SELECT upper(a) AS u, substring(a, 1, 3) AS s, indexof(a, b) AS i, concat(a, b, c) AS c, length(a) AS l, md5(a) AS h FROM 't'", ""},
    {"SELECT regexp_matches(a, '^[a-z]*$') AS m, regexp_replace(a, 'x+', 'y') AS r, regexp_substr(a, '[0-9]+') AS s FROM 't'", ""},
    {"SELECT encode(*, 'base64') AS all, encode(a, 'base64') AS one, decode(b, 'base64') AS back FROM 't'", ""},
    {"SELECT VALUE [a, {'k': b, 'l': [c.v]}] FROM 't' WHERE a IN ['x', 1, null] OR NOT (a IN c)", ""},
    {"SELECT CASE a WHEN 1 THEN 'one' WHEN 'x' THEN b ELSE c END AS x FROM 't'", ""},
};

struct Statement {
    rules::sql::CompiledStatement statement;
    std::size_t number;
    bool second;
};

std::vector<Statement> compile_all() {
    std::vector<Statement> out;
    std::size_t number = 0;
    for (const Case& one : cases) {
        for (const auto version : {rules::sql::Version::v2015_10_08, rules::sql::Version::v2016_03_23}) {
            for (const bool second : {false, true}) {
                const std::string_view sql = second ? one.also : one.sql;
                if (sql.empty()) continue;
                auto made = rules::sql::CompiledStatement::create(sql, version, sql_bytes_max);
                // The older version refuses some of them.
                if (made) out.push_back({std::move(*made), number, second});
            }
            ++number;
        }
    }
    return out;
}

/// The output as text; empty: none.
std::string output_of(const rules::sql::CompiledStatement& statement, rules::sql::MessageContext& message,
                      const rules::sql::Environment& environment) {
    const auto outcome = statement.run(message, environment);
    if (!outcome || !outcome->matched) return {};
    const auto output = outcome->output.payload(message.message());
    if (!output) return {};
    rules::sql::Payload again;  // numbers may be larger than nlohmann::json takes
    if (!outcome->output.is_raw() && !output->empty() && !again.parse(*output, true)) std::abort();
    return std::string(*output);
}

void check_parser(std::string_view text, const Oracle& oracle) {
    rules::sql::Payload payload;
    const bool taken = payload.parse(text, true);
    if (!oracle.fair) return;
    if (taken != (oracle.valid && oracle.depth <= rules::sql::payload_depth_max)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<Statement> statements = compile_all();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Oracle oracle = judge(text);
    check_parser(text, oracle);

    FixedClock clock;
    FixedRandom random;
    const rules::sql::Environment environment{clock, random, "123456789012"};
    Message::Options options;
    options.topic_name = "device/d7";
    options.payload = text;
    options.origin = std::make_shared<const MessageOrigin>();
    rules::sql::MessageContext message(Message::create(std::move(options)));  // parsed once for all, as rules share it
    std::string first;
    for (const Statement& one : statements) {
        std::string output = output_of(one.statement, message, environment);
        const bool judged = oracle.fair && oracle.valid && oracle.depth <= rules::sql::payload_depth_max && oracle.value.is_object();
        if (one.number < 2 && !one.second && judged && !same(json::parse(output), oracle.value)) std::abort();
        if (one.number / 2 == 1 && !one.second && judged && oracle.value.contains("a") && !same(json::parse(output), oracle.value.at("a")))
            std::abort();
        if (one.number < 2 && one.second && judged) {
            json expected = oracle.value;
            expected["zz"] = 0;
            if (!same(json::parse(output), expected)) std::abort();
        }
        if (one.number >= 2 && one.second && oracle.fair && output != first) std::abort();
        if (!one.second) first = std::move(output);
    }
    return 0;
}
