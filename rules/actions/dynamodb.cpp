// dynamoDB: keys from templates, the payload as one attribute. Source: reference "rules-actions", section 3.

#include "rules/actions/item_of.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/system_executor.hpp>
#include <nlohmann/json.hpp>

#include "common/shard.h"
#include "rules/actions/service_action.h"
#include "rules/errc.h"
#include "store/table/errc.h"

namespace fogbank::rules {
namespace {

namespace asio = boost::asio;
namespace table = store::table;

struct KeyParameters {
    sql::Template field, value;
    bool number = false;
};

struct Parameters {
    sql::Template table_name;
    KeyParameters hash;
    std::optional<KeyParameters> range;
    std::optional<sql::Template> payload_field, operation;
};

class DynamoDbAction final : public Action {
  public:
    DynamoDbAction(Parameters parameters, table::TableService& tables) : parameters_(std::move(parameters)), tables_(tables) {}

    void run(const ActionInput& input, ActionDone done) const override {
        auto name = expand(parameters_.table_name, input);
        if (!name) return fail(done, "", name.error());
        auto operation = parameters_.operation ? expand(*parameters_.operation, input) : Result<std::string>(std::string("INSERT"));
        if (!operation) return fail(done, *name, operation.error());
        auto item = key_of(input);
        if (!item) return fail(done, *name, item.error());
        if (*operation == "DELETE") return erase(*name, std::move(*item), std::move(done));
        if (*operation != "INSERT" && *operation != "UPDATE")
            return fail(done, *name, Error(Errc::evaluation, "operation `" + *operation + "` is none of INSERT, UPDATE, DELETE"));
        if (auto added = add_payload(input, *item); !added) return fail(done, *name, added.error());
        tables_.put_item(TableName(*name), std::move(*item), [resource = *name, done = std::move(done)](Result<void> result) mutable {
            if (result) return done(std::nullopt);
            fail(done, resource, result.error());
        });
    }

  private:
    static Result<void> add_key(const KeyParameters& key, const ActionInput& input, table::Item& item) {
        auto field = expand(key.field, input);
        if (!field) return field.error();
        auto value = expand(key.value, input);
        if (!value) return value.error();
        if (!key.number) {
            item.insert_or_assign(*field, table::AttributeValue(std::move(*value)));
            return {};
        }
        const auto number = Decimal::parse(*value);
        if (!number) return Error(table::Errc::validation, "the value `" + *value + "` of key `" + *field + "` is not a number");
        item.insert_or_assign(*field, table::AttributeValue(*number));
        return {};
    }

    Result<table::Item> key_of(const ActionInput& input) const {
        table::Item item;
        if (auto added = add_key(parameters_.hash, input, item); !added) return added.error();
        if (parameters_.range) {
            if (auto added = add_key(*parameters_.range, input, item); !added) return added.error();
        }
        return item;
    }

    /// JSON becomes Map, List or scalar, other payloads Binary.
    Result<void> add_payload(const ActionInput& input, table::Item& item) const {
        auto field = parameters_.payload_field ? expand(*parameters_.payload_field, input) : Result<std::string>(std::string("payload"));
        if (!field) return field.error();
        if (field->empty()) return Error(Errc::evaluation, "payloadField must not be empty");
        if (item.contains(*field)) return Error(Errc::evaluation, "payloadField `" + *field + "` is a key");
        if (input.output.is_raw()) {
            item.insert_or_assign(*field, table::AttributeValue(table::Binary{std::string(input.message.message().payload())}));
            return {};
        }
        auto value = attribute_of(input.output.value());
        if (!value) return value.error();
        item.insert_or_assign(*field, std::move(*value));
        return {};
    }

    void erase(const std::string& name, table::Item key, ActionDone done) const {
        Shard* shard = Shard::current();
        const asio::any_io_executor executor =
            shard != nullptr ? asio::any_io_executor(shard->io().get_executor()) : asio::any_io_executor(asio::system_executor());
        asio::co_spawn(executor, erase_item(tables_, name, std::move(key), std::move(done)), asio::detached);
    }

    static asio::awaitable<void> erase_item(table::TableService& tables, std::string name, table::Item key, ActionDone done) {
        table::DeleteItemRequest request;
        request.table = TableName(name);
        request.key = std::move(key);
        const auto erased = co_await tables.delete_item(std::move(request));
        if (erased) {
            done(std::nullopt);
        } else {
            fail(done, name, erased.error());
        }
    }

    static void fail(ActionDone& done, std::string resource, Error error) {
        const bool store = is_store_failure(error);
        error.message = "Failed to put item into table. " + error.message;
        done(ActionFailure{"DynamoAction", std::move(resource), std::move(error), store});
    }

    Parameters parameters_;
    table::TableService& tables_;
};

KeyParameters read_key(ParameterReader& read, std::string_view kind) {
    const std::string name(kind);
    KeyParameters key{read.text(name + "KeyField"), read.text(name + "KeyValue")};
    key.number = read.choice(name + "KeyType", {"STRING", "NUMBER"}) == "NUMBER";
    return key;
}

}  // namespace

MadeAction make_dynamodb_action(const ActionDefinition& definition) {
    ParameterReader read(definition, "dynamoDB");
    Parameters parameters;
    parameters.table_name = read.text("tableName");
    parameters.hash = read_key(read, "hash");
    const auto& given = definition.parameters;
    if (given.contains("rangeKeyField") || given.contains("rangeKeyValue") || given.contains("rangeKeyType"))
        parameters.range = read_key(read, "range");
    parameters.payload_field = read.optional_text("payloadField");
    parameters.operation = read.optional_text("operation");
    if (parameters.operation && parameters.operation->constant() != nullptr) {
        const std::string& operation = *parameters.operation->constant();
        if (operation != "INSERT" && operation != "UPDATE" && operation != "DELETE")
            read.wrong("`operation` must be INSERT, UPDATE or DELETE");
    }
    read.role();
    if (read.error()) return *read.error();
    return std::make_unique<DynamoDbAction>(std::move(parameters), definition.services.tables);
}

}  // namespace fogbank::rules
