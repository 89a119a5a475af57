// The data cases of tests/conformance/table: expressions, JSON forms, and whole operations as a client would send them.

#include <gtest/gtest.h>

#include "store/table/detail/condition.h"
#include "store/table/detail/projection.h"
#include "store/table/detail/update.h"
#include "tests/store/table_fixture.h"
#include "tests/support/cases.h"

namespace fogbank::store::table {
namespace {

using nlohmann::json;
using testing::Case;
using testing::run;

Expression expression_of(const json& data, const char* member) {
    Expression out;
    out.given = data.contains(member);
    if (out.given) out.text = data[member].get<std::string>();
    return out;
}

Item item_of(const json& data, const char* member) {
    if (!data.contains(member)) return {};
    auto item = item_from_typed_json(data[member]);
    EXPECT_TRUE(item) << item.error().message;
    return item ? std::move(*item) : Item();
}

Placeholders placeholders_of(const json& data, const char* names, const char* values) {
    Placeholders out;
    out.names_given = data.contains(names);
    out.values_given = data.contains(values);
    if (out.names_given) {
        for (const auto& [key, name] : data[names].items()) out.names.emplace(key, name.get<std::string>());
    }
    out.values = item_of(data, values);
    return out;
}

class ConditionCase : public ::testing::TestWithParam<Case> {
  protected:
    static Result<Condition> compile(const json& data, const Placeholders& placeholders) {
        const Expression expression = expression_of(data, "expression");
        PlaceholderScope scope(placeholders);
        const ExpressionParameter parameter{"ConditionExpression", expression};
        if (auto checked = scope.check({parameter}, {parameter}); !checked) return checked.error();
        auto condition = compile_condition(expression, parameter.name, scope);
        if (!condition) return condition;
        if (auto checked = scope.check_all_used(); !checked) return checked.error();
        return condition;
    }
};

TEST_P(ConditionCase, AgreesWithTheCase) {
    const auto& data = GetParam().data;
    const auto placeholders = placeholders_of(data, "names", "values");
    const auto condition = compile(data, placeholders);
    if (data.contains("error")) {
        ASSERT_FALSE(condition);
        EXPECT_EQ(condition.error().message, data["error"].get<std::string>());
        EXPECT_EQ(condition.error().code, Errc::validation);
    } else {
        ASSERT_TRUE(condition) << condition.error().message;
        EXPECT_EQ(condition->matches(item_of(data, "item")), data["expect"].get<bool>());
    }
}
INSTANTIATE_TEST_SUITE_P(Cases, ConditionCase, ::testing::ValuesIn(testing::load_cases("table/condition.json")), testing::NameOfCase());

class ProjectionCase : public ::testing::TestWithParam<Case> {};

TEST_P(ProjectionCase, AgreesWithTheCase) {
    const auto& data = GetParam().data;
    const auto placeholders = placeholders_of(data, "names", "values");
    PlaceholderScope scope(placeholders);
    const auto projection = compile_projection(expression_of(data, "expression"), scope);
    if (data.contains("error")) {
        ASSERT_FALSE(projection);
        EXPECT_EQ(projection.error().message, data["error"].get<std::string>());
    } else {
        ASSERT_TRUE(projection) << projection.error().message;
        EXPECT_EQ(json::parse(plain_json(projection->apply(*item_from_plain_json(data["item"].dump())))), data["expect"]);
    }
}
INSTANTIATE_TEST_SUITE_P(Cases, ProjectionCase, ::testing::ValuesIn(testing::load_cases("table/projection.json")), testing::NameOfCase());

class UpdateCase : public ::testing::TestWithParam<Case> {
  protected:
    static Result<Item> apply(const json& data, const Placeholders& placeholders) {
        const Expression expression = expression_of(data, "expression");
        PlaceholderScope scope(placeholders);
        auto update = compile_update(expression, scope);
        if (!update) return update.error();
        if (auto checked = scope.check_all_used(); !checked) return checked.error();
        return update->apply(item_of(data, "item"));
    }
};

TEST_P(UpdateCase, AgreesWithTheCase) {
    const auto& data = GetParam().data;
    const auto item = apply(data, placeholders_of(data, "names", "values"));
    if (data.contains("error")) {
        ASSERT_FALSE(item);
        EXPECT_EQ(item.error().message, data["error"].get<std::string>());
    } else {
        ASSERT_TRUE(item) << item.error().message;
        EXPECT_EQ(typed_json(*item), data["expect"]);
    }
}
INSTANTIATE_TEST_SUITE_P(Cases, UpdateCase, ::testing::ValuesIn(testing::load_cases("table/update.json")), testing::NameOfCase());

class TypedJsonCase : public ::testing::TestWithParam<Case> {};

TEST_P(TypedJsonCase, AgreesWithTheCase) {
    const auto& data = GetParam().data;
    const auto value = attribute_value_from_typed_json(data["value"]);
    if (data.contains("error")) {
        ASSERT_FALSE(value);
        EXPECT_EQ(value.error().message, data["error"].get<std::string>());
        EXPECT_EQ(value.error().code, data["code"] == "serialization" ? Errc::serialization : Errc::validation);
        return;
    }
    ASSERT_TRUE(value) << value.error().message;
    const json written = typed_json(*value);
    if (data.contains("expect")) {
        EXPECT_EQ(written, data["expect"]);
    }
    EXPECT_EQ(*attribute_value_from_typed_json(written), *value);
}
INSTANTIATE_TEST_SUITE_P(Cases, TypedJsonCase, ::testing::ValuesIn(testing::load_cases("table/typed_json.json")), testing::NameOfCase());

class PlainJsonCase : public ::testing::TestWithParam<Case> {};

TEST_P(PlainJsonCase, AgreesWithTheCase) {
    const auto& data = GetParam().data;
    const auto item = item_from_plain_json(data["text"].get<std::string>());
    if (data.contains("error")) {
        ASSERT_FALSE(item);
        EXPECT_EQ(item.error().message, data["error"].get<std::string>());
        return;
    }
    ASSERT_TRUE(item) << item.error().message;
    EXPECT_EQ(typed_json(*item), data["typed"]);
    EXPECT_EQ(*item_from_plain_json(plain_json(*item)), *item);
}
INSTANTIATE_TEST_SUITE_P(Cases, PlainJsonCase, ::testing::ValuesIn(testing::load_cases("table/plain_json.json")), testing::NameOfCase());

std::string nested_lists(int levels) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(levels), '[') + std::string(static_cast<std::size_t>(levels), ']') + "}";
}

TEST(PlainJson, BoundsTheNesting) {
    EXPECT_TRUE(item_from_plain_json(nested_lists(32)));
    EXPECT_EQ(item_from_plain_json(nested_lists(33)).error().message, "Nesting Levels have exceeded supported limits");
    EXPECT_FALSE(item_from_plain_json(nested_lists(100'000)));
}

TEST(TypedJson, BoundsTheNesting) {
    json value = {{"L", json::array()}};
    for (int level = 1; level < 32; ++level) value = {{"L", {value}}};
    EXPECT_TRUE(attribute_value_from_typed_json(value));
    value = {{"L", {value}}};
    EXPECT_EQ(attribute_value_from_typed_json(value).error().message, "Nesting Levels have exceeded supported limits");
}

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

std::string condition_error(std::string text) {
    Placeholders placeholders;
    placeholders.values.emplace(":v", AttributeValue(Decimal(1)));
    PlaceholderScope scope(placeholders);
    Expression expression;
    expression.text = std::move(text);
    const auto condition = compile_condition(expression, "FilterExpression", scope);
    return condition ? "" : condition.error().message;
}

TEST(ExpressionBounds, AreDynamoDbs) {
    EXPECT_EQ(condition_error("a = :v" + std::string(4090, ' ')), "");
    EXPECT_EQ(condition_error("a = :v" + std::string(4091, ' ')),
              "Invalid FilterExpression: Expression size has exceeded the maximum allowed size; expression size: 4097");
    EXPECT_EQ(condition_error("a IN (:v" + repeated(",:v", 99) + ")"), "");
    EXPECT_EQ(condition_error("a IN (:v" + repeated(",:v", 100) + ")"),
              "Invalid FilterExpression: The IN operator is provided with too many operands; number of operands: 101");
    EXPECT_EQ(condition_error("a=:v" + repeated(" OR a=:v", 149)), "");
    EXPECT_NE(condition_error("a=:v" + repeated(" OR a=:v", 150)), "");
}

TEST(ExpressionBounds, DepthIsBounded) {
    EXPECT_EQ(condition_error(repeated("NOT ", 99) + "a = :v"), "");
    EXPECT_NE(condition_error(repeated("NOT ", 100) + "a = :v"), "");
    EXPECT_NE(condition_error(repeated("(", 4000)), "");
    EXPECT_NE(condition_error(repeated("size(", 800)), "");
}

/// Tables `simple` (id S), `both` (id S, at N) and `binary` (id B, at B) with a few items.
class OperationCase : public testing::TableFixture, public ::testing::WithParamInterface<Case> {
  protected:
    struct Answer {
        std::optional<Error> error;
        std::optional<Item> item;
        std::optional<ItemPage> page;
    };

    OperationCase() {
        create("simple", {"id", KeyType::string});
        create("both", {"id", KeyType::string}, KeyAttribute{"at", KeyType::number});
        create("binary", {"id", KeyType::binary}, KeyAttribute{"at", KeyType::binary});
        for (const std::string at : {"10.5", "1", "-3", "2", "3"}) {
            put("both", json::parse(R"({"id":{"S":"a"},"at":{"N":")" + at + R"("},"v":{"N":")" + (at == "10.5" ? "105" : at + "0") +
                                    R"("},"w":{"M":{"x":{"S":"x)" + at + R"("},"y":{"N":"1"}}}})"));
        }
        put("both", json::parse(R"({"id":{"S":"b"},"at":{"N":"1"}})"));
        for (const char* at : {"AA==", "AP8=", "AP8A", "AQ=="}) put("binary", {{"id", {{"B", "AA=="}}}, {"at", {{"B", at}}}});
    }

    void put(std::string_view table, const json& item) {
        PutItemRequest request;
        request.table = TableName(table);
        request.item = *item_from_typed_json(item);
        ASSERT_TRUE(run(service().put_item(std::move(request))));
    }

    template <class Request>
    static void read_common(const json& data, Request& request) {
        request.table = TableName(data["TableName"].get<std::string>());
        request.placeholders = placeholders_of(data, "ExpressionAttributeNames", "ExpressionAttributeValues");
    }
    template <class Request>
    static void read_paging(const json& data, Request& request) {
        request.filter = expression_of(data, "FilterExpression");
        request.projection = expression_of(data, "ProjectionExpression");
        if (data.contains("Limit")) request.limit = data["Limit"].get<std::int64_t>();
        if (data.contains("ExclusiveStartKey")) request.exclusive_start_key = item_of(data, "ExclusiveStartKey");
        const std::string select = data.value("Select", "ALL_ATTRIBUTES");
        if (select == "COUNT") request.select = Select::count;
        if (select == "SPECIFIC_ATTRIBUTES") request.select = Select::specific_attributes;
    }

    template <class T>
    static Answer failed(const Result<T>& result) {
        Answer answer;
        answer.error = result.error();
        return answer;
    }

    Answer put_item(const json& data) {
        PutItemRequest request;
        read_common(data, request);
        request.item = item_of(data, "Item");
        request.condition = expression_of(data, "ConditionExpression");
        auto outcome = run(service().put_item(std::move(request)));
        return outcome ? Answer() : failed(outcome);
    }
    Answer delete_item(const json& data) {
        DeleteItemRequest request;
        read_common(data, request);
        request.key = item_of(data, "Key");
        request.condition = expression_of(data, "ConditionExpression");
        auto outcome = run(service().delete_item(std::move(request)));
        return outcome ? Answer() : failed(outcome);
    }
    Answer get_item(const json& data) {
        GetItemRequest request;
        read_common(data, request);
        request.key = item_of(data, "Key");
        request.projection = expression_of(data, "ProjectionExpression");
        auto outcome = run(service().get_item(std::move(request)));
        if (!outcome) return failed(outcome);
        Answer answer;
        answer.item = std::move(outcome->item);
        return answer;
    }
    Answer query(const json& data) {
        QueryRequest request;
        read_common(data, request);
        read_paging(data, request);
        request.key_condition = expression_of(data, "KeyConditionExpression");
        request.scan_index_forward = data.value("ScanIndexForward", true);
        return page_of(run(service().query(std::move(request))));
    }
    Answer scan(const json& data) {
        ScanRequest request;
        read_common(data, request);
        read_paging(data, request);
        if (data.contains("Segment")) request.segment = data["Segment"].get<std::int64_t>();
        if (data.contains("TotalSegments")) request.total_segments = data["TotalSegments"].get<std::int64_t>();
        return page_of(run(service().scan(std::move(request))));
    }
    static Answer page_of(Result<ItemPage> page) {
        if (!page) return failed(page);
        Answer answer;
        answer.page = std::move(*page);
        return answer;
    }
    Answer create_table(const json& data) {
        const auto key = [](const json& one) {
            const auto type = one[1].get<std::string>();
            return KeyAttribute{one[0].get<std::string>(), type == "S" ? KeyType::string : type == "N" ? KeyType::number : KeyType::binary};
        };
        CreateTableRequest request;
        request.name = TableName(data["TableName"].get<std::string>());
        request.key_schema.partition_key = key(data["Keys"][0]);
        if (data["Keys"].size() > 1) request.key_schema.sort_key = key(data["Keys"][1]);
        if (data.contains("Read")) request.provisioned_throughput = {data["Read"].get<std::int64_t>(), data["Write"].get<std::int64_t>()};
        auto created = run(service().create_table(std::move(request)));
        return created ? Answer() : failed(created);
    }

    Answer answer(const std::string& operation, const json& data) {
        if (operation == "PutItem") return put_item(data);
        if (operation == "DeleteItem") return delete_item(data);
        if (operation == "GetItem") return get_item(data);
        if (operation == "Query") return query(data);
        if (operation == "Scan") return scan(data);
        if (operation == "CreateTable") return create_table(data);
        ADD_FAILURE() << "unknown operation " << operation;
        return {};
    }
};

Errc code_of(const std::string& name) {
    if (name == "resource_not_found") return Errc::resource_not_found;
    if (name == "resource_in_use") return Errc::resource_in_use;
    if (name == "conditional_check_failed") return Errc::conditional_check_failed;
    if (name == "duplicate_item") return Errc::duplicate_item;
    EXPECT_EQ(name, "validation");
    return Errc::validation;
}

TEST_P(OperationCase, AgreesWithTheCase) {
    const auto& data = GetParam().data;
    const Answer got = answer(data["operation"].get<std::string>(), data["request"]);
    if (data.contains("error")) {
        ASSERT_TRUE(got.error);
        EXPECT_EQ(got.error->message, data["error"].get<std::string>());
        EXPECT_EQ(got.error->code, code_of(data.value("code", "validation")));
        return;
    }
    ASSERT_FALSE(got.error) << got.error->message;
    if (data.contains("item")) {
        ASSERT_TRUE(got.item);
        EXPECT_EQ(typed_json(*got.item), data["item"]);
    }
    if (data.contains("at")) {
        ASSERT_TRUE(got.page);
        json at = json::array();
        for (const auto& item : got.page->items) at.push_back(json::parse(item.at("at").number()->to_string()));
        EXPECT_EQ(at, data["at"]);
    }
    if (data.contains("count")) {
        EXPECT_EQ(got.page->count, data["count"].get<std::int64_t>());
    }
    if (data.contains("scanned")) {
        EXPECT_EQ(got.page->scanned_count, data["scanned"].get<std::int64_t>());
    }
    if (got.page) {
        EXPECT_EQ(got.page->last_evaluated_key ? typed_json(*got.page->last_evaluated_key) : json(), data.value("last", json()));
    }
}
INSTANTIATE_TEST_SUITE_P(Cases, OperationCase, ::testing::ValuesIn(testing::load_cases("table/operations.json")), testing::NameOfCase());

class PartiQlCase : public OperationCase {
  protected:
    Result<StatementOutcome> execute(const std::string& text, const json& parameters = json::array()) {
        StatementRequest request;
        request.statement.text = text;
        for (const auto& one : parameters) request.statement.parameters.push_back(*attribute_value_from_typed_json(one));
        return run(service().execute_statement(std::move(request)));
    }
    static json items_of(const Result<StatementOutcome>& outcome) {
        json items = json::array();
        for (const auto& item : outcome->items) items.push_back(typed_json(item));
        return items;
    }
};

TEST_P(PartiQlCase, AgreesWithTheCase) {
    const auto& data = GetParam().data;
    const auto got = execute(data["statement"].get<std::string>(), data.value("parameters", json::array()));
    if (data.contains("error")) {
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().message, data["error"].get<std::string>());
        EXPECT_EQ(got.error().code, code_of(data.value("code", "validation")));
        return;
    }
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(items_of(got), data["items"]);
    if (!data.contains("then")) return;
    const auto after = execute(data["then"].get<std::string>());
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(items_of(after), data["found"]);
}
INSTANTIATE_TEST_SUITE_P(Cases, PartiQlCase, ::testing::ValuesIn(testing::load_cases("table/partiql.json")), testing::NameOfCase());

}  // namespace
}  // namespace fogbank::store::table
